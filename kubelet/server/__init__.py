"""The kubelet's HTTP servers."""
