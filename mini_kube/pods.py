"""Manifests of pods with one container, and whether a pod is Ready."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mini_kube.scripting import make_script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mini_kube.api import Manifest
    from mini_kube.cluster import Cluster
    from mini_kube.execution import ExecResult
    from mini_kube.forwarding import PortForward

__all__ = ["SCRIPT_ANNOTATION", "Pod", "is_ready", "make_pod"]

#: Where a pod says what its scripted containers answer: docs/scripted-containers.md.
SCRIPT_ANNOTATION: Final = "mini-kube.dev/script"

_SCRIPTED: Final = "mini-kube/script"
_PLAIN: Final = "busybox"
_IDLE: Final = ("sleep", "infinity")


class Pod:
    """A pod of a cluster, by its name."""

    def __init__(self, cluster: Cluster, name: str, namespace: str) -> None:
        self.cluster = cluster
        self.name = name
        self.namespace = namespace

    def exec(
        self,
        *argv: str,
        stdin: bytes = b"",
        container: str | None = None,
        tty: bool = False,
        timeout: float | None = None,
    ) -> ExecResult:
        """As `Cluster.exec`."""
        return self.cluster.exec(
            self.name,
            *argv,
            stdin=stdin,
            container=container,
            namespace=self.namespace,
            tty=tty,
            timeout=timeout,
        )

    def logs(self, *, container: str | None = None, previous: bool = False) -> str:
        """As `Cluster.logs`."""
        return self.cluster.logs(
            self.name,
            container=container,
            namespace=self.namespace,
            previous=previous,
        )

    def port_forward(self, port: int) -> PortForward:
        """As `Cluster.port_forward`."""
        return self.cluster.port_forward(self.name, port, namespace=self.namespace)

    @property
    def manifest(self) -> Manifest:
        """The object as it is now."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"
        return self.cluster.api.call("GET", path)

    def __str__(self) -> str:
        return self.name


def make_pod(
    name: str,
    *,
    image: str,
    command: Sequence[str],
    script: Mapping[str, Any] | None,
    files: Mapping[str, str | bytes] | None,
    env: Mapping[str, str],
    ports: Sequence[int],
    labels: Mapping[str, str],
    container: Mapping[str, Any],
    spec: Mapping[str, Any],
) -> Manifest:
    """The manifest; see `Cluster.run_pod` for what the arguments mean.

    Raises:
        ValueError: the command is a text.
    """
    if isinstance(command, str):
        raise ValueError(f"command: a list is expected, as {command.split()!r}")
    scripted = script is not None or files is not None
    image = image or (_SCRIPTED if scripted else _PLAIN)
    one: Manifest = {"name": name, "image": image}
    if command or image == _PLAIN:
        # A shell without input would end at once.
        one["command"] = list(command or _IDLE)
    if env:
        one["env"] = [{"name": k, "value": v} for k, v in env.items()]
    if ports:
        one["ports"] = [{"containerPort": port} for port in ports]
    metadata: Manifest = {"name": name, "labels": {"app": name, **labels}}
    if scripted:
        document = make_script(script, files)
        metadata["annotations"] = {SCRIPT_ANNOTATION: json.dumps(document)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {
            "containers": [{**one, **container}],
            "terminationGracePeriodSeconds": 1,
            **spec,
        },
    }


def is_ready(pod: Manifest | None) -> bool:
    """Whether the pod has the condition Ready."""
    conditions = (pod or {}).get("status", {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
