"""Capacity ahead of the guests: the floors of a cluster's autoscalers, brought to the plan."""
