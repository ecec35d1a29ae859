"""The hops of programs without an event loop."""
