"""Kubernetes: what a change is, how an admission review is answered, the fallback lock."""
