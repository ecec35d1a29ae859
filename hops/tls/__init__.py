"""TLS of all hops: settings, an engine in memory, and the transport around it."""
