"""Known troubles of real systems, shown on purpose."""
