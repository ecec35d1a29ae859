"""mini-kube for test suites and scripts."""
