"""exec and attach over SPDY: what kubectl spoke before 1.30, and falls back to.

Source: kubernetes/client-go tools/remotecommand/spdy.go; remotecommand.md section 8.
"""

from __future__ import annotations

import time

from kubectl_cli.errors import CommandError
from kubectl_cli.streams.session import Session
from kubectl_cli.streams.upgrades import upgrade_to_spdy
from wire.exit_status import decode_text, encode
from wire.remotecommand import Closed, StatusReceived, StreamOptions
from wire.remotecommand_spdy import SPDY_PROTOCOLS, SpdyRemoteCommandClient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubectl_cli.client.rest import Query, RestClient
    from wire.carrier import Buffer
    from wire.remotecommand import ClientEvent

__all__ = ["open_spdy_session"]

_OFFERED = ("v5.channel.k8s.io", *SPDY_PROTOCOLS)
_OLDEST = "channel.k8s.io"


def open_spdy_session(
    client: RestClient, path: str, query: Query, streams: dict[str, bool]
) -> Session:
    """Open the streams of an exec or attach request.

    Raises:
        CommandError: the server refuses, in kubectl's words.
    """
    upgraded, protocol = upgrade_to_spdy(client, path, query, _OFFERED)
    # "The server didn't specify a protocol version": it is one of before versions.
    protocol = protocol or _OLDEST
    if protocol not in SPDY_PROTOCOLS:
        upgraded.connection.close()
        raise CommandError(
            "unable to negotiate protocol: client supports"
            f" [{' '.join(_OFFERED)}], server returned {protocol}"
        )
    make = _Client if protocol == SPDY_PROTOCOLS[0] else _OldClient
    core = make(protocol, StreamOptions(**streams))
    return _Session(upgraded.connection, core, upgraded.leftover)


class _Session(Session):
    """Says what broke it without words of WebSocket.

    Unlike kubectl: to that a connection which is cut is a command that did well.
    """

    def _cut(self, closed: Closed) -> CommandError:
        return CommandError(closed.reason)

    def _broken(self, text: str) -> CommandError:
        return CommandError(text.removeprefix("next reader: "))


class _Client(SpdyRemoteCommandClient):
    """Takes its clock along, so that a session need not know of one.

    The session sends the pings, which each bring an answer: reason enough to look
    now and then whether the server has accepted the streams in time.
    """

    def __init__(self, protocol: str, options: StreamOptions) -> None:
        super().__init__(protocol, options, now=time.monotonic(), ping_period=None)

    def receive_data(self, data: Buffer, now: float | None = None) -> list[ClientEvent]:
        """What the server did, or left undone for too long."""
        now = time.monotonic() if now is None else now
        events = super().receive_data(data, now)
        deadline = self.deadline()
        if deadline is not None and deadline <= now:
            events += self.expire(now)
        return events


class _OldClient(_Client):
    """Before v4 the error stream is a text: it is shown as the Status of today."""

    def __init__(self, protocol: str, options: StreamOptions) -> None:
        super().__init__(protocol, options)
        self._versioned = protocol != _OLDEST
        self._text = bytearray()

    def receive_data(self, data: Buffer, now: float | None = None) -> list[ClientEvent]:
        """What the server did."""
        return self._with_status(super().receive_data(data, now))

    def receive_eof(self) -> list[ClientEvent]:
        """The connection ended."""
        return self._with_status(super().receive_eof())

    def _with_status(self, events: list[ClientEvent]) -> list[ClientEvent]:
        shown: list[ClientEvent] = []
        for event in events:
            if isinstance(event, StatusReceived):
                self._text += event.payload
                continue
            if isinstance(event, Closed):
                result = decode_text(bytes(self._text), versioned=self._versioned)
                shown.append(StatusReceived(encode(result)))
            shown.append(event)
        return shown
