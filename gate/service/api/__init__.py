"""The HTTP API: requests in, decisions and rows out. The only part that knows FastAPI."""
