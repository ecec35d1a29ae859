"""Standing in front of a real component, to see what it says."""
