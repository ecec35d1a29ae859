"""The streaming server: exec, attach and port-forward at single-use URLs."""
