"""The webhook's commands for people, as a shell runs them; no cluster is needed."""
