"""Objects to bytes and back: JSON, YAML and Kubernetes' protobuf."""
