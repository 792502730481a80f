"""The webhook benchmark: what is asked, whom it asks, how they are driven, what is counted."""
