"""Controllers that make pods: ReplicaSets, Deployments, Jobs."""
