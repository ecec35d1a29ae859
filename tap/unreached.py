"""A trace of clients that the server behind the tap was not there for.

Usually the connection to the server is the one that is told of: it carries what the
client sends and gets. Where there is none, the client's own is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hops.clock import monotonic
from hops.filter import connection_facts
from hops.pipe import Direction

if TYPE_CHECKING:
    from hops.connection import Connection
    from hops.hop import Hop
    from hops.hops import Hops

__all__ = ["tell_unreached"]


def tell_unreached(
    hops: Hops,
    hop: Hop,
    client: Connection,
    reason: object,
    *,
    asked: bytes = b"",
    answered: bytes = b"",
) -> None:
    """Tell of a whole connection, once it is known that it leads nowhere.

    Args:
        asked: what the server would have got.
        answered: what the tap says in its place.
    """
    pipe = hops.witness(hop, "server")
    if pipe is None:
        return
    now = monotonic()
    pipe.connected(connection_facts(client.transport), now)
    if asked:
        pipe.look(Direction.UP, asked, now)
    if answered:
        pipe.look(Direction.DOWN, answered, now)
    pipe.lost(str(reason), now)
