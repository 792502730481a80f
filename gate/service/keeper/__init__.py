"""The webhook's keeper: the process that does what is slow, so that no worker waits for it."""
