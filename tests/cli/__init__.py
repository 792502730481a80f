"""The command line, run in the process and as a process of its own."""
