"""The terminal interface, on Textual (extra `tui`)."""
