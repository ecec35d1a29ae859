"""Measuring a running cluster: `make bench`."""
