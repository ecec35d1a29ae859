"""A recorded server: answers a live client with what was answered before.

A request is matched by its method and target; among equal ones the order of the given
connections is kept, and the last is repeated. What has no match is answered with 404 and
noted, but for discovery (`traces.replay_discovery`).
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from hops.connection import Connection
from hops.hop import Hop
from hops.hops import Hops
from hops.listen import Listener, listen
from hops.pipe import Direction
from hops.taps.masks import mask_target
from hops.tasks import cancel_and_wait, spawn
from traces.diff import compare
from traces.recording import Recorded, RecordingError, exchanges_of
from traces.redecode import Decoding, decoded
from traces.replay import Live, Pacer, Replayed, read_all
from traces.replay_discovery import discovery, is_discovery
from wire.errors import RemoteProtocolError
from wire.http1 import (
    BodyReader,
    HeadReader,
    RequestHead,
    ResponseHead,
    encode_response_head,
    get_header,
)
from wire.websocket_handshake import accept_key

if TYPE_CHECKING:
    import asyncio
    import ssl

    from hops.hop import Address
    from traces.recording import Exchange
    from traces.replay import Pace
    from wire.http1_head import Head

__all__ = ["ReplayServer"]

_PATIENCE = 2.0  # seconds
#: Headers that tell requests apart which ask for the same.
_TELLING = ("accept", "user-agent", "kubectl-command")


class ReplayServer:
    """Serves what was recorded.

    Args:
        connections: of one hop, as `traces.recording` gives them; those of the session
            that is meant come first.
        pace: whether streams go on as fast as the client allows, or as they did.
        patience: seconds of quiet after which a client is not waited for.

    Raises:
        RecordingError: nothing can be answered from these.
    """

    def __init__(
        self,
        connections: list[Recorded],
        *,
        pace: Pace = "fast",
        patience: float = _PATIENCE,
    ) -> None:
        self._hop = connections[0].hop
        self._pace: Pace = pace
        self._patience = patience
        self._answers: dict[str, list[Exchange]] = {}
        for connection in connections:
            self._learn(connection)
        self._played: list[Exchange] = []
        self._decoding = Decoding(self._hop, "live")
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: Listener | None = None
        self.notes: list[str] = []
        if not self._answers:
            exchanges_of(connections[0])  # says what is wrong with it
            raise RecordingError("nothing was asked in the recording")

    def _learn(self, connection: Recorded) -> None:
        # some may have been open before the trace began
        with suppress(RecordingError):
            for exchange in exchanges_of(connection):
                key = _key(exchange.request)
                self._answers.setdefault(key, []).append(exchange)

    async def start(
        self, address: Address, *, tls: ssl.SSLContext | None = None
    ) -> Listener:
        """Listen.

        Raises:
            OSError: the address is in use, or not ours.
        """
        self._listener = await listen(
            Hops("replay"), Hop(self._hop), address, lambda: _Accepted(self), tls=tls
        )
        return self._listener

    async def close(self) -> None:
        """Stop; connections end."""
        if self._listener is not None:
            self._listener.close()
        await cancel_and_wait(*self._tasks)

    def result(self) -> Replayed:
        """What the clients did until now, beside what they did in the recording."""
        played = [
            Recorded(f"recorded-{number}", self._hop, exchange.chunks)
            for number, exchange in enumerate(self._played)
        ]
        comparison = compare(
            decoded(played, self._hop),
            self._decoding.session("live"),
            ways=("up",),
            facts=False,
            ignored=_by_chance,
        )
        return Replayed(comparison, self.notes)

    def begin(self, connection: Connection) -> None:
        """A client came."""
        task = spawn("replay", self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: Connection) -> None:
        live = Live(self._decoding.connection(), Direction.UP)
        try:
            while await self._serve_one(connection, live):
                pass
        except (OSError, RemoteProtocolError) as err:
            self.notes.append(f"a client was cut: {err}")
        finally:
            live.close()
            connection.close()

    async def _serve_one(self, connection: Connection, live: Live) -> bool:
        """One request; whether there may be another."""
        request = await _read_request(connection, live)
        if request is None:
            return False
        head, ahead = request
        exchange = self._find(head)
        if exchange is None:
            _write(connection, live, self._own_answer(head))
            return True
        self._played.append(exchange)
        if exchange.after is not None:
            _write(connection, live, _switch(head, exchange))
            await self._stream(connection, live, exchange, live.received - ahead)
            return False
        for chunk in exchange.answer:
            _write(connection, live, chunk.data)
        await connection.drain()
        return _stays_open(exchange)

    def _own_answer(self, head: RequestHead) -> bytes:
        """To what was not asked when it was recorded."""
        body = discovery(head.method, head.target)
        if body is not None:
            return _json_answer(200, "OK", body)
        if not is_discovery(head.method, head.target):
            self.notes.append(f"not in the recording: {head.method} {head.target}")
        return _json_answer(404, "Not Found", _not_found(head))

    def _find(self, head: RequestHead) -> Exchange | None:
        waiting = self._answers.get(_key(head))
        if not waiting:
            return None
        best = max(waiting, key=lambda each: _likeness(head, each.request))
        if is_discovery(head.method, head.target) and not _accepts(head, best):
            return None  # another version of the document than this client knows
        if len(waiting) > 1:
            waiting.remove(best)
        return best

    async def _stream(
        self, connection: Connection, live: Live, exchange: Exchange, before: int
    ) -> None:
        """What followed the switch, before which `before` bytes had come."""
        reader = spawn("replay reader", read_all(connection, live))
        pacer = Pacer(self._pace, exchange.switched)
        expected = 0
        try:
            for chunk in exchange.after or ():
                if chunk.kind == "up":
                    expected += len(chunk.data)
                elif chunk.kind == "down":
                    await self._wait(live, before + expected, exchange)
                    await pacer.until(chunk.wall)
                    _write(connection, live, chunk.data)
                    await connection.drain()
            await self._wait(live, before + expected, exchange)
            connection.write_eof()
            # the client's last frames, a close say, come after ours
            await live.until(live.received + 1, self._patience)
        finally:
            await cancel_and_wait(reader)

    async def _wait(self, live: Live, amount: int, exchange: Exchange) -> None:
        if not await live.until(amount, self._patience) and not live.ended:
            missing = amount - live.received
            target = exchange.request.target
            self.notes.append(
                f"{target}: the client sent {missing} bytes fewer, and waits"
            )


class _Accepted(Connection):
    """A connection that tells its server when it is there."""

    def __init__(self, server: ReplayServer) -> None:
        super().__init__()
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._server.begin(self)


async def _read_request(
    connection: Connection, live: Live
) -> tuple[RequestHead, int] | None:
    """A request, and how many bytes came behind it; None at the end."""
    reader = HeadReader("request")
    head: Head | None = None
    while head is None:
        data = await connection.read()
        live.hear(data)
        if not data:
            return None
        head = reader.receive_data(data)
    if isinstance(head, ResponseHead):
        raise RemoteProtocolError("a request was expected")
    body, rest = BodyReader.for_request(head), reader.leftover
    if body.complete:
        return head, len(rest)
    left_over = await _read_body(connection, live, body, rest)
    return None if left_over is None else (head, left_over)


async def _read_body(
    connection: Connection, live: Live, body: BodyReader, data: bytes
) -> int | None:
    """Read to the end of a body; how many bytes came behind it, None at an early end."""
    body.receive_data(data)
    while not body.complete:
        data = await connection.read()
        live.hear(data)
        if not data:
            return None
        body.receive_data(data)
    return len(body.leftover)


def _write(connection: Connection, live: Live, data: bytes) -> None:
    live.say(data)
    connection.write(data)


def _likeness(one: RequestHead, other: RequestHead) -> int:
    """How many of the telling headers are equal."""
    return sum(
        get_header(one.headers, name) == get_header(other.headers, name)
        for name in _TELLING
    )


def _accepts(head: RequestHead, exchange: Exchange) -> bool:
    accepted = (get_header(each.headers, "accept") for each in (head, exchange.request))
    return len(set(accepted)) == 1


def _by_chance(step: str) -> bool:
    """What a client asks when it has forgotten, and answers when it has the time to."""
    method, _, target = step.partition(" ")
    return is_discovery(method, target) or step.startswith("close ")


def _key(head: RequestHead) -> str:
    """What makes two requests equal; secrets in a recorded target are masked."""
    path, _, query = mask_target(head.target).partition("?")
    pairs = sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0])
    upgrade = (get_header(head.headers, "upgrade") or "").lower()
    return json.dumps([head.method, path, pairs, upgrade])


def _switch(head: RequestHead, exchange: Exchange) -> bytes:
    """The recorded 101, for the key of this client (RFC 6455, 4.2.2)."""
    key = get_header(head.headers, "sec-websocket-key")
    recorded = exchange.response
    if recorded is None or key is None:
        return b"".join(chunk.data for chunk in exchange.answer)
    headers = [
        (name, accept_key(key) if name.lower() == "sec-websocket-accept" else value)
        for name, value in recorded.headers
    ]
    return encode_response_head(
        ResponseHead(recorded.status, recorded.reason, headers, recorded.version)
    )


def _stays_open(exchange: Exchange) -> bool:
    head = exchange.response
    if head is None:
        return False
    if (get_header(head.headers, "connection") or "").lower() == "close":
        return False
    return not BodyReader.for_response(exchange.request.method, head).until_close


def _json_answer(code: int, reason: str, body: bytes) -> bytes:
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
    ]
    return encode_response_head(ResponseHead(code, reason, headers)) + body


def _not_found(head: RequestHead) -> bytes:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"the recording has no answer to {head.method} {head.target}",
        "reason": "NotFound",
        "code": 404,
    }
    return json.dumps(status).encode()
