"""Every request that the gate makes, and what it is answered, by GitHub's own description."""
