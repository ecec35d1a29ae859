"""The only writer of pod statuses, and of a pod's final deletion.

Workers say what the status is; this says it to the API server: the newest one for
each pod, one request at a time for each pod, again until it is taken.

Source: kubernetes/kubernetes pkg/kubelet/status/status_manager.go. Unlike there, no
GET precedes the PATCH: the pod as last seen in the watch is the base, and the uid in
the patch keeps it from hitting another pod.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apimachinery.meta import resource_version_of
from apimachinery.status import StatusError
from hops.tasks import cancel_and_wait, spawn
from kube_client.reflector import Trouble
from kube_client.resources import PODS
from kubelet import pod as pods
from kubelet.status_patch import status_patch

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from kube_client.client import KubeClient

__all__ = ["StatusManager"]

logger = logging.getLogger(__name__)

_FIRST_DELAY, _LONGEST_DELAY = 0.1, 10.0


@dataclass(slots=True)
class _Entry:
    """One pod.

    `known` is its status at the API server as far as we know, `wanted` the one to be.
    """

    pod: JsonObject
    known: JsonObject
    wanted: JsonObject
    finished: bool = False
    deleted: bool = False
    version: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class StatusManager:
    """Statuses by pod uid.

    Args:
        on_status: told the uid whenever a pod's status changes here.
    """

    def __init__(
        self, client: KubeClient, on_status: Callable[[str], None] = lambda uid: None
    ) -> None:
        self._client = client
        self._entries: dict[str, _Entry] = {}
        self._mirrors: dict[str, JsonObject] = {}  # static pod's uid -> its mirror
        self.on_status = on_status

    def status(self, uid: str) -> JsonObject | None:
        """The last status that was set, whether written yet or not."""
        entry = self._entries.get(uid)
        return entry.wanted if entry else None

    def set(self, pod: JsonObject, status: JsonObject) -> None:
        """Report a status; nothing happens when it is the same as before."""
        entry = self._entry(pod)
        if entry.wanted == status and entry.task is not None:
            return
        entry.wanted = status
        self._kick(entry)
        self.on_status(pods.uid(pod))

    def observe(self, pod: JsonObject) -> None:
        """The watch shows this pod: if others changed what is ours, write it again."""
        entry = self._entries.get(pods.uid(pod))
        if entry is None:
            return
        entry.pod = pod
        if not pods.is_static(pod):
            self._note_known(entry, pod)

    def observe_mirror(self, uid: str, mirror: JsonObject | None) -> None:
        """This is where the status of a static pod is written; None: nowhere yet."""
        before = self._mirrors.pop(uid, None)
        if mirror is not None:
            self._mirrors[uid] = mirror
        entry = self._entries.get(uid)
        if entry is None or mirror is None:
            return
        if before is None or pods.uid(before) != pods.uid(mirror):
            entry.version = 0
        self._note_known(entry, mirror)

    def _note_known(self, entry: _Entry, pod: JsonObject) -> None:
        version = _version(pod)
        if version < entry.version:
            return  # on its way while we wrote
        entry.version = version
        entry.known = pods.status_of(pod)
        self._kick(entry)

    def finish(self, pod: JsonObject) -> None:
        """Nothing of the pod is left: its object may go if its deletion was asked for."""
        entry = self._entry(pod)
        entry.finished = True
        self._kick(entry)

    def forget(self, uid: str) -> None:
        """The pod is gone from the API."""
        self._mirrors.pop(uid, None)
        entry = self._entries.pop(uid, None)
        if entry is not None and entry.task is not None:
            entry.task.cancel()

    async def stop(self) -> None:
        """Write nothing more."""
        entries = self._entries.values()
        await cancel_and_wait(*(e.task for e in entries if e.task is not None))

    def _entry(self, pod: JsonObject) -> _Entry:
        uid = pods.uid(pod)
        if uid not in self._entries:
            status = pods.status_of(self._mirrors.get(uid, pod))
            self._entries[uid] = _Entry(pod, known=status, wanted=status)
        entry = self._entries[uid]
        entry.pod = pod
        return entry

    def _kick(self, entry: _Entry) -> None:
        entry.wake.set()
        if entry.task is None or entry.task.done():
            name = f"status {pods.full_name(entry.pod)}"
            entry.task = spawn(name, self._write(entry))

    async def _write(self, entry: _Entry) -> None:
        """Write until there is nothing new to say."""
        delay = _FIRST_DELAY
        while entry.wake.is_set():
            entry.wake.clear()
            try:
                await self._write_once(entry)
            except StatusError as err:
                if err.code in (404, 409, 422) and not self._retry(entry, err):
                    return
            except Trouble as err:
                logger.debug("status not written yet", extra={"error": str(err)})
            else:
                delay = _FIRST_DELAY
                continue
            entry.wake.set()
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)

    def _retry(self, entry: _Entry, err: StatusError) -> bool:
        logger.info(
            "status refused",
            extra={"pod": pods.full_name(entry.pod), "error": err.message},
        )
        # 404: the pod is gone, the watch will say so. 409: the name has another uid.
        return err.code == 422

    async def _write_once(self, entry: _Entry) -> None:
        name, namespace = pods.name(entry.pod), pods.namespace(entry.pod)
        uid = pods.uid(entry.pod)
        if pods.is_static(entry.pod):
            if uid not in self._mirrors:
                return  # again when there is one
            uid = pods.uid(self._mirrors[uid])
        patch = status_patch(uid, entry.known, entry.wanted)
        if patch is not None:
            answer = await self._client.patch(
                PODS, name, patch, namespace=namespace, subresource="status"
            )
            entry.known = pods.status_of(answer)
            entry.version = max(entry.version, _version(answer))
        if self._may_delete(entry):
            await self._delete(entry, name, namespace)

    def _may_delete(self, entry: _Entry) -> bool:
        return (
            entry.finished
            and not entry.deleted
            and pods.deletion_requested(entry.pod)
            and not pods.is_mirror(entry.pod)
        )

    async def _delete(self, entry: _Entry, name: str, namespace: str) -> None:
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": pods.uid(entry.pod)},
        }
        await self._client.delete(PODS, name, namespace=namespace, options=options)
        entry.deleted = True


def _version(pod: JsonObject) -> int:
    """Resource versions of one resource may be compared as numbers (KEP-5504)."""
    text = resource_version_of(pod)
    return int(text) if text.isdigit() else 0
