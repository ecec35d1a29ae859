"""Traces: read, shown, compared, explained and played again."""
