"""All objects of a type, kept up to date, with handlers told of every change.

One informer serves all controllers that look at its type. Its objects are shared:
whoever wants to change one makes a copy first.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from apimachinery.meta import namespaced_name
from hops.tasks import cancel_and_wait, spawn
from kube_client.reflector import Reflector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apimachinery.types import JsonObject
    from controllers.resources import ResourceType
    from kube_client.client import KubeClient

    Handler = Callable[[JsonObject | None, JsonObject | None], None]

__all__ = ["Informer"]

logger = logging.getLogger(__name__)


class Informer:
    """The cache of one type: fed with lists and events, read by controllers."""

    def __init__(self, resource: ResourceType) -> None:
        self.resource = resource
        self.synced = asyncio.Event()
        self._objects: dict[str, JsonObject] = {}
        self._handlers: list[Handler] = []

    async def follow(self, client: KubeClient) -> None:
        """Keep up with the server until cancelled."""
        reflector = Reflector(client, self.resource.location, self.apply)
        mark = spawn("informer sync", self._mark(reflector))
        try:
            await reflector.run()
        finally:
            await cancel_and_wait(mark)

    async def _mark(self, reflector: Reflector) -> None:
        await reflector.synced.wait()
        self.synced.set()

    def __iter__(self) -> Iterator[JsonObject]:
        return iter(self._objects.values())

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, key: str) -> JsonObject | None:
        """The object called `namespace/name`, or `name`."""
        return self._objects.get(key)

    def on_change(self, handler: Handler) -> None:
        """Call `handler(old, new)` on every change; None stands for absence.

        It is called at once for the objects that are there already.
        """
        self._handlers.append(handler)
        for obj in list(self._objects.values()):
            self._call(handler, None, obj)

    def apply(self, event_type: str, obj: JsonObject) -> None:
        """A watch event: ADDED, MODIFIED or DELETED."""
        key = namespaced_name(obj)
        if event_type == "DELETED":
            old = self._objects.pop(key, None)
            self._tell(old or obj, None)
        elif event_type in ("ADDED", "MODIFIED"):
            self._put(key, obj)

    def _put(self, key: str, obj: JsonObject) -> None:
        old = self._objects.get(key)
        if old is not None and _version(old) == _version(obj):
            return
        self._objects[key] = obj
        self._tell(old, obj)

    def _tell(self, old: JsonObject | None, new: JsonObject | None) -> None:
        for handler in self._handlers:
            self._call(handler, old, new)

    def _call(
        self, handler: Handler, old: JsonObject | None, new: JsonObject | None
    ) -> None:
        try:
            handler(old, new)
        except Exception:
            # One controller's mistake must not blind the others.
            logger.exception("handler failed", extra={"type": self.resource.resource})


def _version(obj: JsonObject) -> tuple[object, object]:
    metadata = obj["metadata"]
    return metadata.get("uid"), metadata.get("resourceVersion")
