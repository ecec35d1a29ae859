"""One module a command: its FLAGS, USE, SUMMARY, and `run(options, factory)`."""
