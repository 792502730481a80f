"""Deliveries of GitHub's webhook: is it GitHub's, what does it say, how is it answered. No I/O."""
