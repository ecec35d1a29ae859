"""mini-kube for programs: clusters of their own, for tests and scripts.

    import mini_kube

    with mini_kube.Cluster() as cluster:
        cluster.run_pod("web", image="nginx")
        print(cluster.exec("web", "hostname").text)

docs/testing.md tells of it, and of the pytest plugin. Everything is loaded when it is
first used: a test run that starts no cluster pays nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mini_kube.api import Api, Manifest
    from mini_kube.clock import Clock
    from mini_kube.cluster import Cluster
    from mini_kube.errors import ApiError, ClusterError, ExecError, WaitError
    from mini_kube.execution import ExecResult
    from mini_kube.pods import Pod
    from mini_kube.watching import Trace

__all__ = [
    "Api",
    "ApiError",
    "Clock",
    "Cluster",
    "ClusterError",
    "ExecError",
    "ExecResult",
    "Manifest",
    "Pod",
    "Trace",
    "WaitError",
]

_HOMES = {
    "Api": "api",
    "ApiError": "errors",
    "Clock": "clock",
    "Cluster": "cluster",
    "ClusterError": "errors",
    "ExecError": "errors",
    "ExecResult": "execution",
    "Manifest": "api",
    "Pod": "pods",
    "Trace": "watching",
    "WaitError": "errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"mini_kube.{_HOMES[name]}"), name)
