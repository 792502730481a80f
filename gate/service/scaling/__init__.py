"""Pre-scaling as it runs: what is read of a cluster and a database, and what is done with it."""
