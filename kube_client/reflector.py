"""Reflector: keeps a copy of a collection, by one list and then a watch.

The watch is taken up again where it broke, from the last resource version seen
(bookmarks keep it fresh). When the server no longer knows that version (410), the
collection is listed again and only the differences are told.

Source: kubernetes/client-go tools/cache/reflector.go.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import aclosing
from typing import TYPE_CHECKING

from apimachinery.meta import name_of, namespace_of, resource_version_of, uid_of
from apimachinery.status import StatusError
from hops.clock import answer_timeout
from wire.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from kube_client.client import KubeClient
    from kube_client.resources import Resource
    from kube_client.watch import WatchEvent

__all__ = ["Reflector", "Trouble"]

logger = logging.getLogger(__name__)

Key = tuple[str, str]
"""Namespace and name."""

Trouble = (OSError, ProtocolError, StatusError, TimeoutError, ValueError)
"""What a request to the API may end in without a bug of ours."""

_FIRST_DELAY = 0.05
_LONGEST_DELAY = 5.0
# client-go asks for 5 to 10 minutes, so that watches are spread over time.
_WATCH_SECONDS = (300, 600)
_GRACE = 30.0


class Reflector:
    """A copy of one selection of objects.

    Args:
        handler: called with ADDED, MODIFIED or DELETED and the object, in order.
            Objects are shared: handlers do not change them.

    Attributes:
        items: the copy, by namespace and name.
        synced: set once the first list has been handed over.
    """

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        handler: Callable[[str, JsonObject], None],
        *,
        namespace: str | None = None,
        field_selector: str = "",
        label_selector: str = "",
    ) -> None:
        self._client = client
        self._resource = resource
        self._handler = handler
        self._selection = {
            "namespace": namespace,
            "field_selector": field_selector,
            "label_selector": label_selector,
        }
        self._delay = _FIRST_DELAY
        self._version = ""
        self.items: dict[Key, JsonObject] = {}
        self.synced = asyncio.Event()

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            try:
                await self._list()
                while True:
                    await self._watch()
            except StatusError as err:
                self._note(err)
                if err.code != 410:
                    await self._pause()
            except Trouble as err:
                self._note(err)
                await self._pause()

    async def _list(self) -> None:
        answer = await self._client.list(self._resource, **self._selection)  # type: ignore[arg-type]  # by name
        self._replace(answer.get("items") or [])
        self._version = answer["metadata"].get("resourceVersion", "")
        self._delay = _FIRST_DELAY
        self.synced.set()

    async def _watch(self) -> None:
        """One watch, from the last version to its end."""
        seconds = random.randint(*_WATCH_SECONDS)
        events = self._client.watch(
            self._resource,
            resource_version=self._version,
            timeout_seconds=seconds,
            **self._selection,  # type: ignore[arg-type]  # by name
        )
        try:
            async with answer_timeout(seconds + _GRACE), aclosing(events) as stream:
                quiet = True
                async for event in stream:
                    quiet = False
                    self._delay = _FIRST_DELAY
                    self._apply(event)
            if quiet:
                # A server that ends watches at once must not be asked in a loop.
                await self._pause()
        except StatusError:
            raise
        except Trouble as err:
            # The version still stands: only the watch is begun anew.
            self._note(err)
            await self._pause()

    def _apply(self, event: WatchEvent) -> None:
        self._version = resource_version_of(event.object) or self._version
        if event.type == "BOOKMARK":
            return
        key = _key(event.object)
        if event.type == "DELETED":
            self.items.pop(key, None)
        else:
            self.items[key] = event.object
        self._handler(event.type, event.object)

    def _replace(self, fresh: list[JsonObject]) -> None:
        """Tell the differences between the copy and a new list."""
        found = {_key(item): item for item in fresh}
        for key, old in list(self.items.items()):
            if key not in found or uid_of(found[key]) != uid_of(old):
                del self.items[key]
                self._handler("DELETED", old)
        for key, item in found.items():
            known = self.items.get(key)
            self.items[key] = item
            if known is None:
                self._handler("ADDED", item)
            elif resource_version_of(known) != resource_version_of(item):
                self._handler("MODIFIED", item)

    async def _pause(self) -> None:
        jitter = 1 + random.random() / 2
        await asyncio.sleep(self._delay * jitter)
        self._delay = min(self._delay * 2, _LONGEST_DELAY)

    def _note(self, err: BaseException) -> None:
        level = logging.WARNING if self._delay >= 1 else logging.DEBUG
        logger.log(
            level,
            "list and watch interrupted",
            extra={"resource": self._resource.plural, "error": str(err)},
        )


def _key(obj: JsonObject) -> Key:
    return namespace_of(obj), name_of(obj)
