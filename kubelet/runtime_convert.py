"""From CRI messages to `kubelet.runtime_status`, and the labels that link the two.

Source: kubernetes/kubernetes pkg/kubelet/kuberuntime/{labels,convert,helpers}.go,
kuberuntime_container.go (toKubeContainerStatus, getTerminationMessage).
"""

from __future__ import annotations

from contextlib import suppress

from kubelet.log_filter import LogFilter
from kubelet.log_options import LogOptions
from kubelet.log_tail import seek_to_tail
from kubelet.runtime_status import (
    ContainerRuntimeStatus,
    ContainerState,
    ContainerUser,
    SandboxRuntimeStatus,
)
from rpc import cri_v1_pb2 as cri

__all__ = [
    "CONTAINER_NAME_LABEL",
    "GRACE_PERIOD",
    "HASH",
    "MESSAGE_PATH",
    "MESSAGE_POLICY",
    "POD_NAMESPACE_LABEL",
    "POD_NAME_LABEL",
    "POD_UID_LABEL",
    "PORTS",
    "PRE_STOP",
    "RESTART_COUNT",
    "container_status",
    "sandbox_status",
]

POD_NAME_LABEL = "io.kubernetes.pod.name"
POD_NAMESPACE_LABEL = "io.kubernetes.pod.namespace"
POD_UID_LABEL = "io.kubernetes.pod.uid"
CONTAINER_NAME_LABEL = "io.kubernetes.container.name"

HASH = "io.kubernetes.container.hash"
RESTART_COUNT = "io.kubernetes.container.restartCount"
MESSAGE_PATH = "io.kubernetes.container.terminationMessagePath"
MESSAGE_POLICY = "io.kubernetes.container.terminationMessagePolicy"
PRE_STOP = "io.kubernetes.container.preStopHandler"
PORTS = "io.kubernetes.container.ports"
GRACE_PERIOD = "io.kubernetes.pod.terminationGracePeriod"

_MAX_MESSAGE = 4096
_MAX_MESSAGE_FROM_LOG = 2048
_MAX_LINES_FROM_LOG = 80

_STATES = {
    cri.CONTAINER_CREATED: ContainerState.CREATED,
    cri.CONTAINER_RUNNING: ContainerState.RUNNING,
    cri.CONTAINER_EXITED: ContainerState.EXITED,
    cri.CONTAINER_UNKNOWN: ContainerState.UNKNOWN,
}


def sandbox_status(status: cri.PodSandboxStatus) -> SandboxRuntimeStatus:
    first = status.network.ip
    ips = [first, *(extra.ip for extra in status.network.additional_ips)]
    network = status.linux.namespaces.options.network
    return SandboxRuntimeStatus(
        id=status.id,
        ready=status.state == cri.SANDBOX_READY,
        attempt=status.metadata.attempt,
        created_at=status.created_at,
        ips=tuple(ip for ip in ips if ip),
        host_network=network == cri.NODE,
    )


def container_status(status: cri.ContainerStatus) -> ContainerRuntimeStatus:
    """One container. Reads its termination message when it has ended."""
    annotations = status.annotations
    ended = status.state == cri.CONTAINER_EXITED
    grace = annotations.get(GRACE_PERIOD, "")
    return ContainerRuntimeStatus(
        id=status.id,
        name=status.labels.get(CONTAINER_NAME_LABEL) or status.metadata.name,
        state=_STATES.get(status.state, ContainerState.UNKNOWN),
        created_at=status.created_at,
        started_at=status.started_at,
        finished_at=status.finished_at if ended else 0,
        exit_code=status.exit_code,
        image=status.image.user_specified_image or status.image.image,
        image_ref=status.image_ref or status.image_id,
        reason=status.reason if ended else "",
        message=_termination_message(status) if ended else "",
        restart_count=_restart_count(status),
        hash=annotations.get(HASH, ""),
        log_path=status.log_path,
        grace_period=int(grace) if grace.isdigit() else None,
        pre_stop=annotations.get(PRE_STOP, ""),
        user=_user(status),
    )


def _restart_count(status: cri.ContainerStatus) -> int:
    text = status.annotations.get(RESTART_COUNT, "")
    return int(text) if text.isdigit() else status.metadata.attempt


def _user(status: cri.ContainerStatus) -> ContainerUser | None:
    if not status.HasField("user") or not status.user.HasField("linux"):
        return None
    user = status.user.linux
    return ContainerUser(user.uid, user.gid, tuple(user.supplemental_groups))


def _termination_message(status: cri.ContainerStatus) -> str:
    """What the container left behind, else its log's end, else the runtime's word."""
    path = status.annotations.get(MESSAGE_PATH, "")
    written = _read_message(status, path) if path else ""
    policy = status.annotations.get(MESSAGE_POLICY, "")
    failed = status.exit_code != 0 or status.reason == "OOMKilled"
    if not written and failed and policy == "FallbackToLogsOnError":
        written = _end_of_log(status.log_path)
    if status.message and written:
        return f"{status.message}: {written}"
    return written or status.message


def _read_message(status: cri.ContainerStatus, path: str) -> str:
    for mount in status.mounts:
        if mount.container_path == path:
            with suppress(OSError), open(mount.host_path, "rb") as file:
                file.seek(max(0, file.seek(0, 2) - _MAX_MESSAGE))
                return file.read(_MAX_MESSAGE).decode("utf-8", "replace")
    return ""


def _end_of_log(path: str) -> str:
    """At most 80 lines and 2048 bytes, stamps removed."""
    reader = LogFilter(LogOptions())
    with suppress(OSError), open(path, "rb") as file:
        seek_to_tail(file, _MAX_LINES_FROM_LOG)
        text = reader.receive_data(file.read()) + reader.receive_eof()
        return text[-_MAX_MESSAGE_FROM_LOG:].decode("utf-8", "replace")
    return ""
