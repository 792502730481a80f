"""`gate serve` as a process, and its parts."""
