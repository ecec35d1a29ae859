"""Taps: what goes by on a connection, decoded layer by layer and told as trace events."""
