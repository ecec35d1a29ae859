"""Faults: what goes wrong on a hop on purpose, repeatably."""
