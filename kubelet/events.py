"""Events: recorded at once, counted when they repeat, written in the background.

Source: kubernetes/client-go tools/record/{event,events_cache}.go; limits from
pkg/kubelet/apis/config/v1beta1/defaults.go (50 a second, bursts of 100).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apimachinery.meta import rfc3339
from apimachinery.status import StatusError
from hops.clock import wall
from hops.tasks import spawn
from kube_client.reflector import Trouble
from kube_client.resources import EVENTS
from kubelet import pod as pods

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from kube_client.client import KubeClient

__all__ = ["EventRecorder", "EventSeries", "node_reference", "pod_reference"]

logger = logging.getLogger(__name__)

_QUEUE = 1000
_MAX_MESSAGE = 1024
_SIMILAR_LIMIT, _SIMILAR_WINDOW = 10, 600.0
_TRIES = 12
_REMEMBERED = 4096


def pod_reference(pod: JsonObject, container: str = "") -> JsonObject:
    """The involvedObject of a pod's event, of one of its containers if named."""
    reference = {
        "kind": "Pod",
        "apiVersion": "v1",
        "namespace": pods.namespace(pod),
        "name": pods.name(pod),
        "uid": pods.uid(pod),
        "resourceVersion": pod["metadata"].get("resourceVersion", ""),
    }
    if container:
        kind = pods.kind_of(pod, container) or pods.ContainerKind.REGULAR
        reference["fieldPath"] = f"spec.{kind.value}{{{container}}}"
    return reference


def node_reference(node: str) -> JsonObject:
    """The kubelet names the node as its own uid; `kubectl describe` looks for that."""
    return {"kind": "Node", "name": node, "uid": node}


@dataclass(slots=True)
class _Seen:
    name: str
    count: int
    first: str


@dataclass(slots=True)
class _Similar:
    messages: set[str] = field(default_factory=set)
    last: float = 0.0


class EventSeries:
    """Decides between a new event, one more of the same, and a folded one. Pure."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], _Seen] = {}
        self._similar: dict[tuple[str, ...], _Similar] = {}

    def message_for(
        self, reference: JsonObject, kind: str, reason: str, message: str, now: float
    ) -> str:
        """The message to write: from the eleventh different one in ten minutes, folded."""
        group = self._similar.setdefault(
            (*_identity(reference), kind, reason), _Similar()
        )
        if now - group.last > _SIMILAR_WINDOW:
            group.messages.clear()
        group.last = now
        group.messages.add(message)
        if len(group.messages) < _SIMILAR_LIMIT:
            return message
        group.messages.pop()
        return f"(combined from similar events): {message}"

    def find(self, key: tuple[str, ...]) -> _Seen | None:
        return self._seen.get(key)

    def remember(self, key: tuple[str, ...], seen: _Seen) -> None:
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
            self._similar.clear()
        self._seen[key] = seen


def _identity(reference: JsonObject) -> tuple[str, ...]:
    fields = ("kind", "namespace", "name", "uid", "fieldPath")
    return tuple(str(reference.get(name, "")) for name in fields)


class EventRecorder:
    """Call `event` from anywhere; `run` writes. Nothing waits for an event."""

    def __init__(
        self,
        client: KubeClient,
        node: str,
        clock: Callable[[], float] = wall,
    ) -> None:
        self._client = client
        self._source = {"component": "kubelet", "host": node}
        self._clock = clock
        self._series = EventSeries()
        self._queue: asyncio.Queue[tuple[JsonObject, str, str, str, float]] = (
            asyncio.Queue(_QUEUE)
        )

    def normal(self, reference: JsonObject, reason: str, message: str) -> None:
        self._put(reference, "Normal", reason, message)

    def warning(self, reference: JsonObject, reason: str, message: str) -> None:
        self._put(reference, "Warning", reason, message)

    def start(self) -> asyncio.Task[None]:
        return spawn("kubelet events", self._run())

    async def flush(self) -> None:
        """Wait until what was recorded has been written."""
        await self._queue.join()

    def _put(self, reference: JsonObject, kind: str, reason: str, message: str) -> None:
        try:
            self._queue.put_nowait((reference, kind, reason, message, self._clock()))
        except asyncio.QueueFull:
            logger.warning("event dropped: too many", extra={"reason": reason})

    async def _run(self) -> None:
        while True:
            entry = await self._queue.get()
            try:
                await self._write(*entry)
            finally:
                self._queue.task_done()

    async def _write(
        self, reference: JsonObject, kind: str, reason: str, message: str, now: float
    ) -> None:
        message = self._series.message_for(reference, kind, reason, message, now)
        folded = message.startswith("(combined from")
        key = (*_identity(reference), kind, reason, "" if folded else message)
        for attempt in range(_TRIES):
            try:
                await self._write_once(key, reference, kind, reason, message, now)
            except StatusError as err:
                # Refused for good, e.g. because the namespace is going away.
                logger.info("event refused", extra={"error": err.message})
                return
            except Trouble as err:
                delay = min(0.1 * 2**attempt, 10.0)
                logger.debug("event not written yet", extra={"error": str(err)})
                await asyncio.sleep(delay)
            else:
                return

    async def _write_once(
        self,
        key: tuple[str, ...],
        reference: JsonObject,
        kind: str,
        reason: str,
        message: str,
        now: float,
    ) -> None:
        namespace = reference.get("namespace") or "default"
        seen = self._series.find(key)
        if seen is not None:
            try:
                await self._count(seen, namespace, message, now)
            except StatusError as err:
                if err.code != 404:
                    raise
            else:
                return
        name = f"{reference['name']}.{int(now * 1e9):x}"
        event = self._event(name, namespace, reference, kind, reason, message, now)
        await self._client.create(EVENTS, event, namespace=namespace)
        self._series.remember(key, _Seen(name, 1, rfc3339(now)))

    async def _count(
        self, seen: _Seen, namespace: str, message: str, now: float
    ) -> None:
        patch = {
            "count": seen.count + 1,
            "lastTimestamp": rfc3339(now),
            "message": message[:_MAX_MESSAGE],
        }
        await self._client.patch(EVENTS, seen.name, patch, namespace=namespace)
        seen.count += 1

    def _event(
        self,
        name: str,
        namespace: str,
        reference: JsonObject,
        kind: str,
        reason: str,
        message: str,
        now: float,
    ) -> JsonObject:
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": reference,
            "reason": reason,
            "message": message[:_MAX_MESSAGE],
            "source": self._source,
            "firstTimestamp": rfc3339(now),
            "lastTimestamp": rfc3339(now),
            "count": 1,
            "type": kind,
            "eventTime": None,
            "reportingComponent": "kubelet",
            "reportingInstance": self._source["host"],
        }
