"""Floors that people ask for, one target's or, in an emergency, all."""
