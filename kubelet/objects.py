"""ConfigMaps, Secrets and ServiceAccounts that pods refer to.

Fetched when asked for and kept for a while. A pod never sees an answer older than
itself: what its author changed before making it must be visible in it.

Source: kubernetes/kubernetes pkg/kubelet/util/manager/cache_based_manager.go (the
strategy `Cache` of configMapAndSecretChangeDetectionStrategy).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from hops.clock import monotonic
from kube_client.resources import (
    CONFIG_MAPS,
    RUNTIME_CLASSES,
    SECRETS,
    SERVICE_ACCOUNTS,
    Resource,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from kube_client.client import KubeClient

__all__ = ["ObjectCache", "PodObjects"]

_TTL = 60.0
_LIMIT = 1000


@dataclass(slots=True)
class _Entry:
    fetched: float
    object: JsonObject | None


class ObjectCache:
    """Objects by kind, namespace and name. Absence is never remembered."""

    def __init__(
        self, client: KubeClient, clock: Callable[[], float] = monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._entries: dict[tuple[str, str | None, str], _Entry] = {}

    def now(self) -> float:
        return self._clock()

    async def get(
        self, resource: Resource, namespace: str | None, name: str, newer_than: float
    ) -> JsonObject | None:
        """The object, None where there is none.

        Raises:
            StatusError: the API server refuses.
            OSError and the like: it cannot be reached.
        """
        key = (resource.plural, namespace, name)
        entry = self._entries.get(key)
        oldest = max(newer_than, self._clock() - _TTL)
        if entry is not None and entry.fetched >= oldest:
            return entry.object
        fetched = self._clock()
        try:
            found = await self._client.get(resource, name, namespace=namespace)
        except StatusError as err:
            if err.code != 404:
                raise
            self._entries.pop(key, None)
            return None
        if len(self._entries) >= _LIMIT:
            self._entries.clear()
        self._entries[key] = _Entry(fetched, found)
        return found


class PodObjects:
    """The objects one pod refers to: none is older than the pod."""

    def __init__(self, cache: ObjectCache) -> None:
        self._cache = cache
        self._since = cache.now()

    async def config_map(self, namespace: str, name: str) -> JsonObject | None:
        return await self._cache.get(CONFIG_MAPS, namespace, name, self._since)

    async def secret(self, namespace: str, name: str) -> JsonObject | None:
        return await self._cache.get(SECRETS, namespace, name, self._since)

    async def runtime_class(self, name: str) -> JsonObject | None:
        return await self._cache.get(RUNTIME_CLASSES, None, name, self._since)

    async def service_account(self, namespace: str, name: str) -> JsonObject | None:
        return await self._cache.get(SERVICE_ACCOUNTS, namespace, name, self._since)
