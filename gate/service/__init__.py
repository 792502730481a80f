"""The processes that wire the other parts together: the admission webhook and its keeper."""
