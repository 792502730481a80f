"""The lock that needs no server of ours: what it compiles to, without a cluster."""
