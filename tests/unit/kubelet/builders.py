"""Short ways to say "a pod with these containers" and "the runtime says"."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kubelet.pod_actions import container_hash
from kubelet.runtime_status import (
    ContainerRuntimeStatus,
    ContainerState,
    PodRuntimeStatus,
    SandboxRuntimeStatus,
)

if TYPE_CHECKING:
    from kubelet.container_statuses import Failure

CREATED = ContainerState.CREATED
RUNNING = ContainerState.RUNNING
EXITED = ContainerState.EXITED
UNKNOWN = ContainerState.UNKNOWN


def container(name: str = "c", **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": "busybox", **fields}


def make_pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = spec.pop("metadata", {})
    status = spec.pop("status", {})
    return copy.deepcopy(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "p",
                "namespace": "ns",
                "uid": "uid-1",
                "generation": 1,
                **metadata,
            },
            "spec": {"containers": list(containers) or [container()], **spec},
            "status": status,
        }
    )


def sandbox(id: str = "s1", *, ready: bool = True, **fields: Any) -> Any:
    return SandboxRuntimeStatus(
        id=id, ready=ready, **{"ips": ("127.0.0.9",), "created_at": 1, **fields}
    )


def instance(
    name: str = "c", state: ContainerState = RUNNING, **fields: Any
) -> ContainerRuntimeStatus:
    known = {
        "id": f"{name}-id",
        "created_at": 1,
        "started_at": 1_700_000_000 * 10**9,
        "hash": container_hash(container(name)),
        "image": "busybox",
        "image_ref": "sha256:1",
    }
    if state is EXITED:
        known["finished_at"] = 1_700_000_005 * 10**9
    return ContainerRuntimeStatus(name=name, state=state, **{**known, **fields})


def runtime(*containers: ContainerRuntimeStatus, sandboxes: Any = None) -> Any:
    return PodRuntimeStatus(
        uid="uid-1",
        name="p",
        namespace="ns",
        sandboxes=tuple([sandbox()] if sandboxes is None else sandboxes),
        containers=containers,
    )


@dataclass
class Verdicts:
    """Probe results by container id."""

    live: dict[str, bool] = field(default_factory=dict)
    started: dict[str, bool] = field(default_factory=dict)

    def liveness(self, container_id: str) -> bool | None:
        return self.live.get(container_id)

    def startup(self, container_id: str) -> bool | None:
        return self.started.get(container_id)


NO_FAILURES: dict[str, Failure] = {}
