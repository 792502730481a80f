"""The Action: its program as a process, and the texts that GitHub reads."""
