"""What all connections of one process share: who looks at them, and how many there are."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from hops.hop import Address, Hop
    from hops.pipe import Pipe

__all__ = ["Hops", "Role"]

#: Which end of a connection this process is.
Role = Literal["client", "server"]


class Hops:
    """One a process. Pass it to everything that dials or listens.

    Args:
        process: the name in traces and logs, e.g. "apiserver" or "kubelet/node-1".
    """

    def __init__(self, process: str) -> None:
        self.process = process
        #: Makes the Pipe of a new connection; None while nothing looks or acts.
        self.pipe_maker: Callable[[Hop, Role, Address | None], Pipe | None] | None = (
            None
        )
        self._open: dict[Hop, weakref.WeakSet[asyncio.BaseTransport]] = {}

    def pipe_for(self, hop: Hop, role: Role, peer: Address | None) -> Pipe | None:
        """The Pipe for a new connection, or None: then nothing stands in its path."""
        maker = self.pipe_maker
        return None if maker is None else maker(hop, role, peer)

    def silent(self) -> Hops:
        """The same process without taps and faults: for the far side of a relay."""
        return Hops(self.process)

    def track(self, hop: Hop, transport: asyncio.BaseTransport) -> None:
        """Count a connection as open until its transport closes."""
        self._open.setdefault(hop, weakref.WeakSet()).add(transport)

    def open_connections(self) -> dict[str, int]:
        """How many connections are open, by hop."""
        counts = {
            str(hop): sum(not transport.is_closing() for transport in transports)
            for hop, transports in self._open.items()
        }
        return {hop: count for hop, count in counts.items() if count}
