"""The fallback lock on a real API server, with nothing of the gate running."""
