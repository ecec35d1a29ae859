"""Which container instance a log request means.

Source: kubernetes/kubernetes pkg/kubelet/kubelet_pods.go (validateContainerLogStatus).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelet.pod import ContainerKind

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["LogUnavailableError", "select_log_instance"]

_WAITING_TEXTS = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}


class LogUnavailableError(Exception):
    """There is no instance to read; the text is for the user."""


def select_log_instance(
    pod_name: str, status: JsonObject, container: str, *, previous: bool
) -> str:
    """The container id, as `runtime://id`, whose log to read.

    Raises:
        LogUnavailableError: no such instance, with the kubelet's own text.
    """
    subject = f'container "{container}" in pod "{pod_name}"'
    entry = _find(status, container)
    if entry is None:
        raise LogUnavailableError(f"{subject} is not available")
    state = entry.get("state") or {}
    last = (entry.get("lastState") or {}).get("terminated")
    if previous:
        if chosen := (last or {}).get("containerID"):
            return str(chosen)
        raise LogUnavailableError(f"previous terminated {subject} not found")
    if "running" in state:
        return str(entry.get("containerID", ""))
    ended = [state.get("terminated"), last]
    for termination in ended:
        if termination and (chosen := termination.get("containerID")):
            return str(chosen)
    if any(termination is not None for termination in ended):
        raise LogUnavailableError(f"{subject} is terminated")
    if (waiting := state.get("waiting")) is not None:
        reason = waiting.get("reason", "")
        text = _WAITING_TEXTS.get(reason, reason)
        raise LogUnavailableError(f"{subject} is waiting to start: {text}")
    raise LogUnavailableError(f"{subject} is waiting to start - no logs yet")


def _find(status: JsonObject, container: str) -> JsonObject | None:
    for kind in (ContainerKind.REGULAR, ContainerKind.INIT, ContainerKind.EPHEMERAL):
        for entry in status.get(kind.status_field) or []:
            if entry["name"] == container:
                return entry  # type: ignore[no-any-return]  # JSON
    return None
