"""Checks on pull requests: which heads there are, how each should stand, and making it so."""
