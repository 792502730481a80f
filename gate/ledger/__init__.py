"""The tamper-evident record of every decision: append, verify, checkpoints, proofs."""
