"""The client's end of a session: sends and reads at once, and notes what it sees."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

from bench.exec_client import new_key
from hops.blocking.responses import Upgraded
from wire.errors import RemoteProtocolError
from wire.exit_status import decode
from wire.portforward import (
    PORT_FORWARD_PROTOCOL,
    TUNNEL_SUBPROTOCOL,
    DataReceived,
    ErrorText,
    ForwardClosed,
    ForwardFailed,
    HalfClosed,
    PortForwardClient,
    Role,
    Tunnel,
    Tunnelled,
)
from wire.portforward import Closed as ForwardingClosed
from wire.remotecommand import (
    Closed,
    RemoteCommandClient,
    StatusReceived,
    StderrReceived,
    StdoutReceived,
    StreamOptions,
)
from wire.remotecommand_spdy import SPDY_PROTOCOLS, SpdyRemoteCommandClient
from wire.spdy_negotiation import check_spdy_answer, spdy_handshake
from wire.terminal import TerminalSize
from wire.websocket_handshake import check_client_handshake, client_handshake

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from hops.blocking.client import BlockingClient
    from hops.blocking.connection import BlockingConnection
    from tests.soak.outcome import Outcome

__all__ = ["BrokenError", "ExecEnd", "ForwardEnd"]

_V5 = "v5.channel.k8s.io"


class BrokenError(Exception):
    """The session cannot go on; the text says why."""


class _End:
    """Moves bytes between a connection and a core, whichever is ready."""

    def __init__(self, client: BlockingClient) -> None:
        self._client = client
        self._connection: BlockingConnection | None = None
        self._waiting = b""
        self.over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
        self._client.close()

    def _upgrade(
        self, path: str, headers: list[tuple[str, str]], subprotocol: str, *, spdy: bool
    ) -> bytes:
        """Ask for the session; what came behind the answer."""
        if spdy:
            wanted = spdy_handshake([subprotocol])
            answer = self._client.upgrade("POST", path, [*headers, *wanted])
        else:
            key = new_key()
            wanted = client_handshake(key, [subprotocol])
            answer = self._client.upgrade("GET", path, [*headers, *wanted])
        if not isinstance(answer, Upgraded):
            with answer:
                body = b"".join(answer.chunks())
            raise BrokenError(f"refused with {answer.status}: {body[:200]!r}")
        self._connection = answer.connection
        try:
            if spdy:
                check_spdy_answer(answer.head)
            else:
                check_client_handshake(answer.head, key, [subprotocol])
        except RemoteProtocolError as error:
            raise BrokenError(str(error)) from None
        self._connection.set_timeout(0)
        return answer.leftover

    def _send_all(self, got: bytearray, patience: float) -> None:
        """Send what waits, and take what comes meanwhile."""
        self._take_output()
        while self._waiting and not self.over:
            self._poll(patience)
            self._write()
            self._read(got)
            self._take_output()

    def _poll(self, patience: float) -> None:
        connection = self._connected
        if connection.pending:
            return
        poller = select.poll()
        events = select.POLLIN | (select.POLLOUT if self._waiting else 0)
        poller.register(connection.fileno(), events)
        if not poller.poll(patience * 1000):
            raise BrokenError(f"nothing came for {patience} s")

    def _read(self, got: bytearray) -> None:
        try:
            data = self._connected.receive()
        except BlockingIOError:
            return
        self._take(data, got)

    def _write(self) -> None:
        try:
            sent = self._connected.send(memoryview(self._waiting))
        except BlockingIOError:
            return
        self._waiting = self._waiting[sent:]

    @property
    def _connected(self) -> BlockingConnection:
        if self._connection is None:
            raise BrokenError("not connected")
        return self._connection

    def _take_output(self) -> None:
        raise NotImplementedError

    def _take(self, data: bytes, got: bytearray) -> None:
        raise NotImplementedError

    def read(self, got: bytearray, patience: float, cut_after: int | None) -> None:
        """Read to the end, or leave after so many bytes."""
        begun = time.monotonic()
        while not self.over:
            self._take_output()
            if self._waiting:
                self._write()
            self._poll(patience)
            self._read(got)
            if cut_after is not None and len(got) >= cut_after:
                raise BrokenError("the client left")
            if time.monotonic() - begun > 8 * patience:
                raise BrokenError("the client has waited long enough")


class ExecEnd(_End):
    """exec, with what it sees written into an Outcome."""

    def __init__(
        self,
        client: BlockingClient,
        path: str,
        command: Sequence[str],
        *,
        outcome: Outcome,
        stdin: bool = False,
        tty: bool = False,
        spdy: bool = False,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(client)
        self._outcome = outcome
        options = StreamOptions(stdin=stdin, stdout=True, stderr=not tty, tty=tty)
        query = [("command", word) for word in command]
        query += [
            (name, "true")
            for name in ("stdin", "stdout", "stderr", "tty")
            if getattr(options, name)
        ]
        protocol = SPDY_PROTOCOLS[0] if spdy else _V5
        try:
            leftover = self._upgrade(
                f"{path}?{urlencode(query)}", list(headers), protocol, spdy=spdy
            )
        except BaseException:
            self.__exit__()
            raise
        self._core = (
            SpdyRemoteCommandClient(protocol, options, ping_period=None)
            if spdy
            else RemoteCommandClient(protocol, options)
        )
        self._early = leftover

    def send(self, data: bytes, got: bytearray, patience: float) -> None:
        self._core.send_stdin(data)
        self._send_all(got, patience)

    def resize(self, chance: random.Random) -> None:
        self._core.send_resize(
            TerminalSize(chance.randrange(500), chance.randrange(500))
        )

    def end_input(self) -> None:
        self._core.close_stdin()

    def _take_output(self) -> None:
        self._waiting += b"".join(self._core.data_to_send())

    def read(self, got: bytearray, patience: float, cut_after: int | None) -> None:
        if self._early:
            early, self._early = self._early, b""
            self._take(early, got)
        super().read(got, patience, cut_after)

    def _take(self, data: bytes, got: bytearray) -> None:
        if self._early:
            data, self._early = self._early + data, b""
        outcome = self._outcome
        events = self._core.receive_data(data) if data else self._core.receive_eof()
        for event in events:
            match event:
                case StdoutReceived(payload) | StderrReceived(payload):
                    if outcome.statuses and payload:
                        outcome.after_status.append(f"{len(payload)} bytes of output")
                    if isinstance(event, StdoutReceived):
                        got += payload
                case StatusReceived(payload):
                    outcome.statuses.append(payload)
                case Closed(code, reason):
                    self.over = True
                    outcome.ended = f"closed with {code} {reason}"
                    if code == 1000:
                        self._conclude(b"".join(outcome.statuses))

    def _conclude(self, status: bytes) -> None:
        if not status:
            # client-go takes this for success; it is what a cut must never look like
            self._outcome.success, self._outcome.code = True, 0
            return
        result = decode(status)
        if result.success:
            self._outcome.success, self._outcome.code = True, 0
        elif result.is_exit_code:
            self._outcome.code = result.code


class ForwardEnd(_End):
    """One forward."""

    def __init__(
        self,
        client: BlockingClient,
        path: str,
        port: int,
        *,
        spdy: bool,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(client)
        protocol = PORT_FORWARD_PROTOCOL if spdy else TUNNEL_SUBPROTOCOL
        try:
            leftover = self._upgrade(path, list(headers), protocol, spdy=spdy)
        except BaseException:
            self.__exit__()
            raise
        self._session = PortForwardClient(ping_period=None)
        self._core: PortForwardClient | Tunnelled[PortForwardClient] = (
            self._session if spdy else Tunnelled(self._session, Tunnel(Role.CLIENT))
        )
        self._core.receive_data(leftover)
        self._forward = self._session.open(port)

    def send(self, data: bytes) -> None:
        """Queue it; it is sent while `read` reads."""
        self._session.send_data(self._forward, data)

    def finish(self) -> None:
        self._session.finish(self._forward)

    def _take_output(self) -> None:
        self._waiting += b"".join(self._core.data_to_send())

    def _take(self, data: bytes, got: bytearray) -> None:
        events = self._core.receive_data(data) if data else self._core.receive_eof()
        for event in events:
            match event:
                case DataReceived(_, payload):
                    got += payload
                case HalfClosed() | ForwardClosed():
                    self.over = True
                case ErrorText() | ForwardFailed() | ForwardingClosed():
                    raise BrokenError(str(event))
