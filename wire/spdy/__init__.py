"""SPDY/3.1 as moby/spdystream speaks it: a core without I/O.

`frames` says what it looks like, `connection` what is allowed; `streams` holds the
table between them and `events` what the user of a connection gets to see.
"""
