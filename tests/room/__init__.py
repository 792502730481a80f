"""Room for floors: what a cluster holds, from documents."""
