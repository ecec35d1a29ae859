"""Mirror pods: static pods as the API server sees them.

They are there to be looked at. Who deletes one gets another; the process knows nothing
of it.

Source: kubernetes/kubernetes pkg/kubelet/pod/mirror_client.go; pkg/kubelet/kubelet.go
(tryReconcileMirrorPods) and kubelet_pods.go (orphaned mirror pods).
"""

from __future__ import annotations

import asyncio
import copy
import logging
from typing import TYPE_CHECKING

from apimachinery.meta import annotations_of
from apimachinery.status import StatusError
from kube_client.reflector import Trouble
from kube_client.resources import PODS
from kubelet import pod as pods

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from apimachinery.types import JsonObject
    from kube_client.client import KubeClient

__all__ = ["MirrorPods"]

logger = logging.getLogger(__name__)

_FIRST_DELAY, _LONGEST_DELAY = 0.1, 10.0

Key = tuple[str, str]


class MirrorPods:
    """Keeps one mirror for each static pod, and none for others.

    Args:
        node_uid: of our node at the API server, their owner.
        on_mirror: is told a static pod's uid, and its mirror or None.
    """

    def __init__(
        self,
        client: KubeClient,
        node_name: str,
        node_uid: Callable[[], str],
        on_mirror: Callable[[str, JsonObject | None], None],
    ) -> None:
        self._client = client
        self._node_name = node_name
        self._node_uid = node_uid
        self._on_mirror = on_mirror
        self._wanted: dict[Key, JsonObject] = {}
        self._mirrors: dict[Key, JsonObject] = {}
        self._wake = asyncio.Event()

    def want(self, static_pods: Iterable[JsonObject]) -> None:
        """These are the static pods."""
        self._wanted = {pods.key(pod): pod for pod in static_pods}
        for key, mirror in self._mirrors.items():
            self._tell(key, mirror)
        self._wake.set()

    def observe(self, kind: str, mirror: JsonObject) -> None:
        """ADDED, MODIFIED or DELETED from the API server."""
        key = pods.key(mirror)
        if kind != "DELETED":
            self._mirrors[key] = mirror
            self._tell(key, mirror)
        elif self._uid_of(key) == pods.uid(mirror):
            del self._mirrors[key]
            self._tell(key, None)
        self._wake.set()

    async def run(self, *known: asyncio.Event) -> None:
        """Make and delete mirrors, once all is known that there is."""
        for event in known:
            await event.wait()
        delay = _FIRST_DELAY
        while True:
            await self._wake.wait()
            self._wake.clear()
            if await self._settle_all():
                delay = _FIRST_DELAY
                continue
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)
            self._wake.set()

    async def _settle_all(self) -> bool:
        settled = True
        for key in sorted({*self._wanted, *self._mirrors}):
            try:
                await self._settle(key)
            except Trouble as err:
                extra = {"pod": "/".join(key), "error": str(err)}
                logger.warning("mirror pod not settled yet", extra=extra)
                settled = False
        return settled

    async def _settle(self, key: Key) -> None:
        mirror, wanted = self._mirrors.get(key), self._wanted.get(key)
        if mirror is not None and not _is_mirror_of(mirror, wanted):
            await self._delete(mirror)
            if self._uid_of(key) == pods.uid(mirror):
                del self._mirrors[key]
            mirror = None
        if mirror is None and wanted is not None:
            made = await self._client.create(
                PODS, self._mirror_of(wanted), namespace=key[0]
            )
            if key not in self._mirrors:
                self._mirrors[key] = made
                self._tell(key, made)

    async def _delete(self, mirror: JsonObject) -> None:
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": pods.uid(mirror)},
        }
        name, namespace = pods.name(mirror), pods.namespace(mirror)
        try:
            await self._client.delete(PODS, name, namespace=namespace, options=options)
        except StatusError as err:
            if err.code not in (404, 409):  # gone, or another one by now
                raise

    def _mirror_of(self, static: JsonObject) -> JsonObject:
        mirror = copy.deepcopy(static)
        metadata = mirror["metadata"]
        metadata.pop("uid", None)
        annotations = metadata["annotations"]
        annotations[pods.MIRROR_ANNOTATION] = annotations[pods.CONFIG_HASH_ANNOTATION]
        metadata["ownerReferences"] = [
            {
                "apiVersion": "v1",
                "kind": "Node",
                "name": self._node_name,
                "uid": self._node_uid(),
                "controller": True,
            }
        ]
        return mirror

    def _uid_of(self, key: Key) -> str:
        mirror = self._mirrors.get(key)
        return pods.uid(mirror) if mirror is not None else ""

    def _tell(self, key: Key, mirror: JsonObject | None) -> None:
        static = self._wanted.get(key)
        if static is None:
            return
        fits = mirror is not None and _is_mirror_of(mirror, static)
        self._on_mirror(pods.uid(static), mirror if fits else None)


def _is_mirror_of(mirror: JsonObject, static: JsonObject | None) -> bool:
    """Whether it may stay: of the same content, and nobody wants to delete it."""
    if static is None or pods.deletion_requested(mirror):
        return False
    wanted = annotations_of(static)[pods.CONFIG_HASH_ANNOTATION]
    return annotations_of(mirror).get(pods.MIRROR_ANNOTATION) == wanted
