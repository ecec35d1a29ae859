"""What the probes said last, by container id, and what that makes of a status.

Source: kubernetes/kubernetes pkg/kubelet/prober/results/results_manager.go,
pkg/kubelet/prober/prober_manager.go (UpdatePodStatus).
"""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING

from kubelet import pod as pods
from kubelet.pod import ContainerKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject

__all__ = ["ProbeKind", "ProbeResults", "container_id_of", "probed_containers"]


class ProbeKind(Enum):
    """The field of a container that asks for this probe."""

    LIVENESS = "livenessProbe"
    READINESS = "readinessProbe"
    STARTUP = "startupProbe"

    @property
    def word(self) -> str:
        """As events spell it: Liveness, Readiness, Startup."""
        return self.name.capitalize()


def probed_containers(pod: JsonObject) -> list[JsonObject]:
    """Regular containers and sidecars: no other may have probes."""
    sidecars = [c for c in pods.init_containers(pod) if pods.is_sidecar(c)]
    return [*sidecars, *pods.containers(pod)]


def container_id_of(entry: JsonObject) -> str:
    """The bare id out of a container status's `runtime://id`."""
    return str(entry.get("containerID", "")).rpartition("://")[2]


class ProbeResults:
    """Results of all probes. `on_change` is told the pod's uid and the kind."""

    def __init__(self, on_change: Callable[[str, ProbeKind, bool], None]) -> None:
        self._on_change = on_change
        self._results: dict[tuple[ProbeKind, str], bool] = {}
        self.totals: Counter[tuple[str, str, str, str, str]] = Counter()

    def get(self, kind: ProbeKind, container_id: str) -> bool | None:
        return self._results.get((kind, container_id))

    def liveness(self, container_id: str) -> bool | None:
        return self.get(ProbeKind.LIVENESS, container_id)

    def startup(self, container_id: str) -> bool | None:
        return self.get(ProbeKind.STARTUP, container_id)

    def begin(self, kind: ProbeKind, container_id: str, value: bool) -> None:
        """The value before the first probe; nobody is told."""
        self._results[kind, container_id] = value

    def set(
        self, kind: ProbeKind, container_id: str, value: bool, pod_uid: str
    ) -> None:
        if self._results.get((kind, container_id)) is not value:
            self._results[kind, container_id] = value
            self._on_change(pod_uid, kind, value)

    def forget(self, kind: ProbeKind, container_id: str) -> None:
        self._results.pop((kind, container_id), None)

    def count(
        self, pod: JsonObject, container: str, kind: ProbeKind, result: str
    ) -> None:
        """For /metrics/probes."""
        key = (pods.namespace(pod), pods.name(pod), container, kind.word, result)
        self.totals[key] += 1

    # kubelet.pod_status.Readiness

    def apply(self, pod: JsonObject, status: JsonObject) -> None:
        """Set `started` and `ready` of the container statuses."""
        specs = {container["name"]: container for container in probed_containers(pod)}
        for kind in ContainerKind:
            for entry in status.get(kind.status_field) or []:
                self._apply_one(pod, kind, specs.get(entry["name"]), entry)

    def _apply_one(
        self,
        pod: JsonObject,
        kind: ContainerKind,
        spec: JsonObject | None,
        entry: JsonObject,
    ) -> None:
        if kind is ContainerKind.EPHEMERAL:
            entry["ready"] = False
            return
        running = "running" in entry["state"]
        if spec is None:  # an init container that is no sidecar
            terminated = entry["state"].get("terminated") or {}
            entry["started"] = running
            entry["ready"] = terminated.get("exitCode") == 0
            return
        started = running and self._passed(pod, ProbeKind.STARTUP, spec, entry)
        entry["started"] = started
        entry["ready"] = started and self._passed(pod, ProbeKind.READINESS, spec, entry)

    def _passed(
        self, pod: JsonObject, kind: ProbeKind, spec: JsonObject, entry: JsonObject
    ) -> bool:
        """A container without the probe has passed; one not yet probed has not.

        Unless it has, by our own report from before a restart of the kubelet: that
        alone must not take a ready pod out of service.
        """
        if not spec.get(kind.value):
            return True
        result = self.get(kind, container_id_of(entry))
        return was_reported(pod, entry, kind) if result is None else result


_REPORTED = {ProbeKind.STARTUP: "started", ProbeKind.READINESS: "ready"}


def was_reported(pod: JsonObject, entry: JsonObject, kind: ProbeKind) -> bool:
    """The API's copy of the pod says that this very instance has passed."""
    for field in ("containerStatuses", "initContainerStatuses"):
        for known in pods.status_of(pod).get(field) or []:
            if known.get("containerID") == entry.get("containerID"):
                return bool(known.get(_REPORTED[kind]))
    return False
