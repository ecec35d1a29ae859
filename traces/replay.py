"""A recorded session played again: as the client, or as the server.

The one side is played as it was recorded, byte for byte; the other side is live. What is
played next waits until the live side has said as much as it had said at that point of
the recording, so that answers are to what they answered. A live side that says less is
waited for until it has been quiet for `patience` seconds.

At the end what the live side said is compared with what was recorded, by its meaning
(`traces.diff`): both are decoded by the same decoders.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hops.dial import dial_connection
from hops.hop import Hop
from hops.hops import Hops
from hops.pipe import Direction
from traces.diff import Comparison, compare
from traces.printable import plain
from traces.redecode import Decoding, decoded

if TYPE_CHECKING:
    import ssl

    from hops.connection import Connection
    from hops.hop import Address
    from hops.taps.connection import ConnectionTap
    from traces.recording import Chunk, Recorded

__all__ = ["Pace", "Replayed", "play_client"]

#: As fast as the other side allows, or in the times of the recording.
Pace = Literal["fast", "real"]

_PATIENCE = 2.0  # seconds
_PAINTED = re.compile(rb"(?i)(\r\nauthorization: *)(?:bearer +)?\*+(?=\r\n)")


@dataclass(slots=True)
class Replayed:
    """How it went. Frames may be cut otherwise, so `notes` on bytes are no difference.

    Args:
        comparison: A is what was recorded, B what the live side did now.
        notes: what was waited for in vain, and what had no place in the recording.
    """

    comparison: Comparison
    notes: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether the live side did what it had done."""
        return self.comparison.equal

    def text(self) -> str:
        """For people."""
        notes = "".join(f"! {plain(note)}\n" for note in self.notes)
        return self.comparison.text() + notes


class Live:
    """One live connection: what it says is counted and decoded."""

    def __init__(self, tap: ConnectionTap, heard: Direction) -> None:
        self._tap = tap
        self._heard = heard
        self._news = asyncio.Event()
        self.received = 0
        self.ended = False
        tap.connected({}, time.monotonic())

    def hear(self, data: bytes) -> None:
        """The live side said something; nothing: it ended."""
        now = time.monotonic()
        if data:
            self.received += len(data)
            self._tap.feed(self._heard, data, now)
        elif not self.ended:
            self.ended = True
            self._tap.eof(self._heard, now)
        self._news.set()

    def say(self, data: bytes) -> None:
        """We said something."""
        self._tap.feed(self._heard.other, data, time.monotonic())

    def close(self) -> None:
        """The connection is over."""
        self._tap.lost("", time.monotonic())

    async def until(self, amount: int, patience: float) -> bool:
        """Wait until so many bytes came; False when it went quiet before."""
        while self.received < amount and not self.ended:
            self._news.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._news.wait()
            except TimeoutError:
                return False
        return self.received >= amount


async def play_client(
    connections: list[Recorded],
    address: Address,
    *,
    tls: ssl.SSLContext | None = None,
    server_hostname: str | None = None,
    token: str | None = None,
    pace: Pace = "fast",
    patience: float = _PATIENCE,
) -> Replayed:
    """Do to a server what the recorded client did, and say where it answers otherwise.

    Args:
        token: a bearer token in place of the one that was painted over.

    Raises:
        ConnectError: the server cannot be reached.
    """
    hop = connections[0].hop
    player = _ClientPlayer(
        Hop(hop), address, tls, server_hostname, token, pace, patience
    )
    async with player:
        await player.play(connections)
    comparison = compare(
        decoded(connections, hop),
        player.decoding.session("live"),
        ways=("down",),
        facts=False,
    )
    return Replayed(comparison, player.notes)


class _ClientPlayer:
    """Plays connections side by side, in the order of the recording."""

    def __init__(
        self,
        hop: Hop,
        address: Address,
        tls: ssl.SSLContext | None,
        server_hostname: str | None,
        token: str | None,
        pace: Pace,
        patience: float,
    ) -> None:
        self._hop = hop
        self._address = address
        self._tls = tls
        self._server_hostname = server_hostname
        self._token = token
        self._pace = pace
        self._patience = patience
        self._live: dict[str, Live] = {}
        self._connections: dict[str, Connection] = {}
        self._expected: dict[str, int] = {}
        self._readers: list[asyncio.Task[None]] = []
        self._tasks = asyncio.TaskGroup()
        self.decoding = Decoding(str(hop), "live")
        self.notes: list[str] = []

    async def __aenter__(self) -> _ClientPlayer:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for name, connection in self._connections.items():
            connection.close()
            self._live[name].close()
        for reader in self._readers:
            reader.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def play(self, connections: list[Recorded]) -> None:
        script = sorted(
            ((chunk, one.name) for one in connections for chunk in one.chunks),
            key=lambda item: item[0].wall,
        )
        pacer = Pacer(self._pace, script[0][0].wall)
        for chunk, name in script:
            if chunk.kind in ("open", "up", "up eof"):
                await pacer.until(chunk.wall)
            await self._act(chunk, name)
        for name in self._live:
            await self._wait(name)

    async def _act(self, chunk: Chunk, name: str) -> None:
        match chunk.kind:
            case "open":
                await self._open(name)
            case "up":
                await self._wait(name)
                data = self._with_token(chunk.data)
                self._live[name].say(data)
                self._connections[name].write(data)
            case "up eof":
                await self._wait(name)
                self._connections[name].write_eof()
            case "down":
                self._expected[name] += len(chunk.data)
            case "close":
                await self._wait(name)
                self._connections[name].close()

    async def _open(self, name: str) -> None:
        connection = await dial_connection(
            Hops("replay"),
            self._hop,
            self._address,
            tls=self._tls,
            server_hostname=self._server_hostname,
        )
        live = Live(self.decoding.connection(), Direction.DOWN)
        self._connections[name], self._live[name] = connection, live
        self._expected[name] = 0
        self._readers.append(self._tasks.create_task(read_all(connection, live)))

    async def _wait(self, name: str) -> None:
        """Until the server has said as much as it had at this point."""
        expected = self._expected[name]
        live = self._live[name]
        if not await live.until(expected, self._patience):
            missing = expected - live.received
            why = (
                "it had ended"
                if live.ended
                else f"for {self._patience:g} s it was quiet"
            )
            self.notes.append(f"{name}: {missing} bytes fewer than recorded, and {why}")
            self._expected[name] = live.received  # said once

    def _with_token(self, data: bytes) -> bytes:
        if self._token is None:
            return data
        value = b"Bearer " + self._token.encode()
        return _PAINTED.sub(lambda found: found[1] + value, data)


class Pacer:
    """Waits for a moment of the recording, in real time; not at all when fast."""

    def __init__(self, pace: Pace, start: float) -> None:
        self._is_real = pace == "real"
        self._start = start
        self._began = time.monotonic()

    async def until(self, wall: float) -> None:
        """Until as much time has passed as in the recording."""
        if self._is_real:
            passed = time.monotonic() - self._began
            await asyncio.sleep(max(0.0, wall - self._start - passed))


async def read_all(connection: Connection, live: Live) -> None:
    """All that a connection brings, until its end."""
    try:
        while data := await connection.read():
            live.hear(data)
    except OSError:
        pass  # a cut is an end, too
    live.hear(b"")
