"""The web page: live sessions, read-only."""
