"""GitHub's webhook and the deployment protection rule."""
