"""GitHub: the container Action, checks on pull requests, deployment protection, identity tokens."""
