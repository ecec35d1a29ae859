"""The gRPC services: thin methods that translate between messages and the runtime."""
