"""GitHub: the Action, checks on pull requests, the protection rule, identity tokens."""
