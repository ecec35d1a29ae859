"""Records in the words of the API."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from hops.clock import wall_ns
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cri_runtime.records import Container, Sandbox

__all__ = [
    "container_item",
    "container_matches",
    "container_status",
    "container_user",
    "event",
    "has_labels",
    "sandbox_item",
    "sandbox_matches",
    "sandbox_status",
    "verbose_info",
]


def sandbox_status(sandbox: Sandbox) -> cri.PodSandboxStatus:
    """A sandbox with all that is known about it. A stopped one has no address."""
    config = sandbox.config
    return cri.PodSandboxStatus(
        id=sandbox.id,
        metadata=config.metadata,
        state=sandbox.state,
        created_at=sandbox.created_at,
        network=cri.PodSandboxNetworkStatus(
            ip=sandbox.address if sandbox.ready else ""
        ),
        linux=cri.LinuxPodSandboxStatus(
            namespaces=cri.Namespace(
                options=config.linux.security_context.namespace_options
            )
        ),
        labels=config.labels,
        annotations=config.annotations,
        runtime_handler=sandbox.runtime_handler,
    )


def sandbox_item(sandbox: Sandbox) -> cri.PodSandbox:
    """A sandbox in a list."""
    return cri.PodSandbox(
        id=sandbox.id,
        metadata=sandbox.config.metadata,
        state=sandbox.state,
        created_at=sandbox.created_at,
        labels=sandbox.config.labels,
        annotations=sandbox.config.annotations,
        runtime_handler=sandbox.runtime_handler,
    )


def container_status(container: Container) -> cri.ContainerStatus:
    """A container with all that is known about it."""
    config = container.config
    exited = container.finished_at != 0
    return cri.ContainerStatus(
        id=container.id,
        metadata=config.metadata,
        state=container.state,
        created_at=container.created_at,
        started_at=container.started_at,
        finished_at=container.finished_at,
        exit_code=container.exit_code,
        image=_image_spec(container),
        image_ref=container.image_ref,
        image_id=container.image_id,
        reason=container.reason if exited else "",
        message=container.message if exited else "",
        labels=config.labels,
        annotations=config.annotations,
        mounts=config.mounts,
        log_path=container.log_path,
        resources=cri.ContainerResources(linux=config.linux.resources),
        user=container_user(container),
        stop_signal=config.stop_signal,
    )


def container_user(container: Container) -> cri.ContainerUser:
    """Whom it runs as: the one it asked for if we could do that, else ourselves."""
    user = container.process.user or {
        "uid": os.geteuid(),
        "gid": os.getegid(),
        "groups": os.getgroups(),
    }
    return cri.ContainerUser(
        linux=cri.LinuxContainerUser(
            uid=user["uid"], gid=user["gid"], supplemental_groups=user["groups"]
        )
    )


def container_item(container: Container) -> cri.Container:
    """A container in a list."""
    config = container.config
    return cri.Container(
        id=container.id,
        pod_sandbox_id=container.sandbox_id,
        metadata=config.metadata,
        image=_image_spec(container),
        image_ref=container.image_ref,
        image_id=container.image_id,
        state=container.state,
        created_at=container.created_at,
        labels=config.labels,
        annotations=config.annotations,
    )


def _image_spec(container: Container) -> cri.ImageSpec:
    spec = container.config.image
    return cri.ImageSpec(
        image=container.image_name,
        annotations=spec.annotations,
        user_specified_image=spec.user_specified_image,
        runtime_handler=spec.runtime_handler,
    )


def has_labels(labels: Mapping[str, str], selector: Mapping[str, str]) -> bool:
    """Whether all pairs of the selector are there."""
    return all(labels.get(key) == value for key, value in selector.items())


def sandbox_matches(sandbox: Sandbox, wanted: cri.PodSandboxFilter) -> bool:
    """Whether all that is given fits; an id may be a prefix."""
    return (
        sandbox.id.startswith(wanted.id)
        and (not wanted.HasField("state") or wanted.state.state == sandbox.state)
        and has_labels(sandbox.config.labels, wanted.label_selector)
    )


def container_matches(container: Container, wanted: cri.ContainerFilter) -> bool:
    """Whether all that is given fits; ids may be prefixes."""
    return (
        container.id.startswith(wanted.id)
        and container.sandbox_id.startswith(wanted.pod_sandbox_id)
        and (not wanted.HasField("state") or wanted.state.state == container.state)
        and has_labels(container.config.labels, wanted.label_selector)
    )


def verbose_info(**facts: Any) -> dict[str, str]:
    """The `info` map of a verbose status: one JSON text, as crictl inspect expects it."""
    return {"info": json.dumps(facts)}


def event(
    sandbox: Sandbox | None,
    containers: Iterable[Container],
    container_id: str,
    kind: int,
) -> cri.ContainerEventResponse:
    """An event, with the pod as it is now."""
    return cri.ContainerEventResponse(
        container_id=container_id,
        container_event_type=cri.ContainerEventType.Name(kind),
        created_at=wall_ns(),
        pod_sandbox_status=sandbox_status(sandbox) if sandbox is not None else None,
        containers_statuses=map(container_status, containers),
    )
