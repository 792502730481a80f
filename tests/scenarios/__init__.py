"""Scenarios: whole days of weddings, with figures that are computed here and not by the gate."""
