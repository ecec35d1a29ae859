"""Events while they happen, from the services' admin sockets."""
