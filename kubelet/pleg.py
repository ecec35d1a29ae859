"""PLEG: says which pods' containers changed, by the runtime's events and by relisting.

Events are quick but may be lost, and some runtimes have none. So all is listed too:
each second at first, and the less often the more the events prove to be complete, down
to every ten seconds. One change that no event told brings it back to each second.

Source: kubernetes/kubernetes pkg/kubelet/pleg/{generic,evented}.go.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from hops.clock import on_advance
from kubelet.cri import CriError
from kubelet.runtime_convert import POD_UID_LABEL
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

__all__ = ["Pleg", "PlegRuntime", "Snapshot", "changed_pods"]

logger = logging.getLogger(__name__)

_HEALTHY_SECONDS = 180.0
_SHORTEST, _LONGEST = 1.0, 10.0
_RECONNECT = 0.5
_NO_EVENTS_RETRY = 60.0

Snapshot = dict[str, tuple[str, int]]
"""Pod uid and state, by the id of a container or sandbox."""


class PlegRuntime(Protocol):
    async def list_sandboxes(self) -> Sequence[cri.PodSandbox]: ...
    async def list_containers(self) -> Sequence[cri.Container]: ...


class EventSource(Protocol):
    def events(self) -> AsyncIterator[cri.ContainerEventResponse]: ...


def changed_pods(old: Snapshot, new: Snapshot) -> set[str]:
    """The uids of pods that something of began, changed or vanished."""
    changed = {uid for id_, (uid, state) in new.items() if old.get(id_) != (uid, state)}
    gone = {uid for id_, (uid, _) in old.items() if id_ not in new}
    return changed | gone


class Pleg:
    """Calls `on_change` with the uid of each pod that changed.

    Attributes:
        pods: the uids the runtime knows of.
        relisted: set after the first complete listing.
    """

    def __init__(
        self,
        runtime: PlegRuntime,
        source: EventSource,
        on_change: Callable[[str], None],
        on_container_end: Callable[[str], None] = lambda container_id: None,
    ) -> None:
        self._runtime = runtime
        self._source = source
        self._on_change = on_change
        self._on_container_end = on_container_end
        self._snapshot: Snapshot = {}
        self._period = _SHORTEST
        self._stream_since: float | None = None
        self._relist_now = asyncio.Event()
        self._last_relist = 0.0
        self.relisted = asyncio.Event()

    @property
    def pods(self) -> set[str]:
        return {uid for uid, _ in self._snapshot.values()}

    def complaint(self) -> str:
        """Why the node is not healthy, "" when it is."""
        if not self.relisted.is_set():
            return ""
        idle = asyncio.get_running_loop().time() - self._last_relist
        if idle <= _HEALTHY_SECONDS:
            return ""
        return (
            f"PLEG is not healthy: pleg was last seen active {int(idle)}s ago;"
            f" threshold is {int(_HEALTHY_SECONDS) // 60}m0s"
        )

    async def run(self) -> None:
        """Watch the runtime until cancelled."""
        self._last_relist = asyncio.get_running_loop().time()
        on_advance(self._clock_moved)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_events())
            group.create_task(self._relist_forever())

    async def _clock_moved(self, seconds: float, _everywhere: bool) -> None:
        """It was not the runtime that was silent meanwhile."""
        self._last_relist += seconds

    async def relist(self) -> set[str]:
        """List everything once; the uids of pods that changed since.

        Raises:
            CriError
        """
        sandboxes, containers = await asyncio.gather(
            self._runtime.list_sandboxes(), self._runtime.list_containers()
        )
        fresh: Snapshot = {
            **{s.id: (s.labels[POD_UID_LABEL], int(s.state)) for s in sandboxes},
            **{c.id: (c.labels[POD_UID_LABEL], int(c.state)) for c in containers},
        }
        old, self._snapshot = self._snapshot, fresh
        self._last_relist = asyncio.get_running_loop().time()
        self._tell_ends(old, fresh, {c.id for c in containers})
        changed = changed_pods(old, fresh)
        for uid in changed:
            self._on_change(uid)
        self.relisted.set()
        return changed

    def _tell_ends(self, old: Snapshot, new: Snapshot, containers: set[str]) -> None:
        for container_id, (_, state) in old.items():
            now = new.get(container_id, ("", int(cri.CONTAINER_EXITED)))[1]
            known = container_id in containers or container_id not in new
            if known and state == cri.CONTAINER_RUNNING and now != state:
                self._on_container_end(container_id)

    async def _relist_forever(self) -> None:
        while True:
            try:
                changed = await self.relist()
            except CriError as err:
                logger.debug("relist failed", extra={"error": str(err)})
                self._period = _SHORTEST
            else:
                trusted = self._stream_is_up() and not changed
                self._period = min(self._period * 2, _LONGEST) if trusted else _SHORTEST
            try:
                async with asyncio.timeout(self._period):
                    await self._relist_now.wait()
            except TimeoutError:
                continue
            self._relist_now.clear()

    async def _follow_events(self) -> None:
        while True:
            delay = _RECONNECT
            self._stream_since = asyncio.get_running_loop().time()
            try:
                async for event in self._source.events():
                    self._take(event)
            except CriError as err:
                if err.is_unimplemented:
                    delay = _NO_EVENTS_RETRY
                logger.debug("no container events", extra={"error": str(err)})
            if self._stream_is_up():
                # The runtime went away or starts anew: look what is left.
                self._relist_now.set()
            self._stream_since = None
            await asyncio.sleep(delay)

    def _stream_is_up(self) -> bool:
        """A runtime without events says so at once."""
        since = self._stream_since
        now = asyncio.get_running_loop().time()
        return since is not None and now - since >= _SHORTEST

    def _take(self, event: cri.ContainerEventResponse) -> None:
        uid = self._uid_of(event)
        if not uid:
            self._relist_now.set()
            return
        self._note(event, uid)
        if event.container_event_type == cri.CONTAINER_STOPPED_EVENT:
            self._on_container_end(event.container_id)
        self._on_change(uid)

    def _uid_of(self, event: cri.ContainerEventResponse) -> str:
        uid = event.pod_sandbox_status.metadata.uid
        return uid or self._snapshot.get(event.container_id, ("", 0))[0]

    def _note(self, event: cri.ContainerEventResponse, uid: str) -> None:
        """Keep the snapshot as a relist would find it, so that it finds no change."""
        sandbox = event.pod_sandbox_status
        if sandbox.id:
            self._snapshot[sandbox.id] = (uid, int(sandbox.state))
        for container in event.containers_statuses:
            self._snapshot[container.id] = (uid, int(container.state))
        if event.container_event_type == cri.CONTAINER_DELETED_EVENT:
            self._snapshot.pop(event.container_id, None)
