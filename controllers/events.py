"""Events as controllers write them: events.k8s.io semantics in the core/v1 shape.

Such an event has eventTime and a reporting component, and neither count nor first and
last time; when it happens again its series grows. Source: kubernetes/client-go
tools/events/event_recorder.go, event_broadcaster.go; shared/recordings, describe-pod.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from apimachinery.meta import micro_time, name_of, namespace_of, uid_of
from controllers.api import Trouble
from controllers.resources import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from controllers.api import Api
    from controllers.resources import ResourceType

__all__ = ["EventRecorder"]

logger = logging.getLogger(__name__)

_SERIES_LIFETIME: Final = 6 * 60.0
_MOST_SERIES: Final = 4096


@dataclass(slots=True)
class _Series:
    event: JsonObject
    count: int
    last: float


class EventRecorder:
    """Writes events for one component; a failure to write one is only logged."""

    def __init__(
        self, api: Api, component: str, host: str, clock: Callable[[], float]
    ) -> None:
        self._api = api
        self._component = component
        self._instance = f"{component}-{host}"
        self._clock = clock
        self._series: dict[tuple[str, ...], _Series] = {}

    async def record(
        self,
        resource: ResourceType,
        obj: JsonObject,
        event_type: str,
        reason: str,
        action: str,
        message: str,
    ) -> None:
        """Write an event about `obj`, or count it when it was written before."""
        now = self._clock()
        key = (uid_of(obj), event_type, reason, action, message)
        series = self._series.get(key)
        try:
            if series is not None and now - series.last < _SERIES_LIFETIME:
                await self._count(series, now)
                return
            event = self._event(resource, obj, event_type, reason, action, message, now)
            await self._api.create(EVENTS, event)
            self._remember(key, event, now)
        except Trouble as err:
            logger.warning(
                "event not written", extra={"reason": reason, "why": str(err)}
            )

    async def _count(self, series: _Series, now: float) -> None:
        series.count += 1
        series.last = now
        change = {
            "series": {"count": series.count, "lastObservedTime": micro_time(now)}
        }
        await self._api.patch(EVENTS, series.event, change)

    def _remember(self, key: tuple[str, ...], event: JsonObject, now: float) -> None:
        if len(self._series) >= _MOST_SERIES:
            self._series.clear()
        self._series[key] = _Series({"metadata": event["metadata"]}, 1, now)

    def _event(
        self,
        resource: ResourceType,
        obj: JsonObject,
        event_type: str,
        reason: str,
        action: str,
        message: str,
        now: float,
    ) -> JsonObject:
        # Events about cluster-scoped objects live in the namespace default.
        namespace = namespace_of(obj) or "default"
        involved = {
            "kind": resource.kind,
            "namespace": namespace_of(obj),
            "name": name_of(obj),
            "uid": uid_of(obj),
            "apiVersion": resource.api_version,
            "resourceVersion": obj["metadata"].get("resourceVersion", ""),
        }
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{name_of(obj)}.{int(now * 1e9):x}",
                "namespace": namespace,
            },
            "involvedObject": {k: v for k, v in involved.items() if v},
            "reason": reason,
            "message": message,
            "type": event_type,
            "action": action,
            "eventTime": micro_time(now),
            "reportingComponent": self._component,
            "reportingInstance": self._instance,
            "source": {},
            "firstTimestamp": None,
            "lastTimestamp": None,
        }
