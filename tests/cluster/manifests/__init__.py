"""`k8s/` on a real control plane of its own: it holds objects that are one a cluster."""
