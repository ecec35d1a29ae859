"""TLS sessions to resume: a second connection to the same peer costs half the time.

A session belongs to the settings it was made with: same authorities, same client
certificate, same name that was checked. So they are kept by context and name, and go
with the context. A server that does not know a session makes a full handshake.

Source: RFC 8446 2.2 and 4.6.1. Tickets come after the handshake, with the first data.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

    from hops.hop import Address

__all__ = ["known_session", "remember_session"]

_Peer = tuple["Address", str | None]

_MAX_PEERS = 256  # for each context

_sessions: weakref.WeakKeyDictionary[ssl.SSLContext, dict[_Peer, ssl.SSLSession]] = (
    weakref.WeakKeyDictionary()
)


def known_session(
    context: ssl.SSLContext, address: Address, name: str | None
) -> ssl.SSLSession | None:
    """The last session with a peer under these settings."""
    return _sessions.get(context, {}).get((address, name))


def remember_session(
    context: ssl.SSLContext,
    address: Address,
    name: str | None,
    session: ssl.SSLSession | None,
) -> None:
    """Keep a session for the next connection, if it can be resumed."""
    if session is None or not session.has_ticket:
        return
    peers = _sessions.setdefault(context, {})
    if len(peers) >= _MAX_PEERS and (address, name) not in peers:
        peers.clear()
    peers[address, name] = session
