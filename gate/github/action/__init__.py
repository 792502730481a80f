"""The Action: inputs, the event behind a run, and what its reader sees, as values and text."""
