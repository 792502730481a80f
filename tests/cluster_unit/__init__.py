"""What a change is and how it is answered, without a cluster."""
