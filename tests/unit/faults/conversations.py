"""Conversations for tests: bytes as real peers send them, and what faults make of them."""

from __future__ import annotations

import itertools
import json
import random

from faults.connection import ConnectionFaults
from faults.engine import FaultEngine
from hops.hop import Hop
from hops.pipe import ConnectionFacts, Delay, Deliver, Direction, HalfClose, Reset
from wire.http2 import PREFACE, Http2FrameType
from wire.spdy.frame_encoder import FrameEncoder
from wire.spdy.frames import Data, Flag, Ping, SynReply, SynStream
from wire.websocket import Opcode, close_payload, encode_frame

UP, DOWN = Direction.UP, Direction.DOWN
TRACE = "0af7651916cd43dd8448eb211c80319c"
EXEC = (
    b"GET /api/v1/namespaces/ns/pods/web/exec?command=ls&stdout=true HTTP/1.1\r\n"
    b"Host: localhost\r\nUser-Agent: kubectl/v1.36.0\r\n"
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Traceparent: 00-" + TRACE.encode() + b"-b7ad6b7169203331-01\r\n"
    b"Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
)
GRANTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
)
SPDY_EXEC = EXEC.replace(b"GET", b"POST").replace(b"websocket", b"SPDY/3.1")
SPDY_GRANTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n"
    b"X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n"
)
SUCCESS = json.dumps({"metadata": {}, "status": "Success"}).encode()
MASK = b"\x01\x02\x03\x04"
_numbers = itertools.count(1)


def up(channel: int, data: bytes, **options) -> tuple[Direction, bytes]:
    """A message of the client, masked."""
    payload = bytes((channel,)) + data
    return UP, encode_frame(Opcode.BINARY, payload, mask=MASK, **options)


def down(channel: int, data: bytes, **options) -> tuple[Direction, bytes]:
    """A message of the server."""
    return DOWN, encode_frame(Opcode.BINARY, bytes((channel,)) + data, **options)


def websocket_session() -> list[tuple[Direction, bytes]]:
    """An exec over WebSocket v5, as real components speak it."""
    return [
        (UP, EXEC),
        (DOWN, GRANTED),
        down(1, b""),
        up(4, b'{"Width":80,"Height":24}\n'),
        up(0, b"hello\n"),
        (UP, encode_frame(Opcode.PING, b"p", mask=MASK)),
        (DOWN, encode_frame(Opcode.PONG, b"p")),
        down(1, b"one"),
        down(2, b"warning"),
        down(1, b"two"),
        up(255, b"\x00"),
        down(1, b"three"),
        down(3, SUCCESS),
        (DOWN, encode_frame(Opcode.CLOSE, close_payload(1000))),
        (UP, encode_frame(Opcode.CLOSE, close_payload(1000), mask=MASK)),
    ]


def spdy_session() -> list[tuple[Direction, bytes]]:
    """An exec over SPDY/3.1."""
    client, server = FrameEncoder(), FrameEncoder()
    script = [(UP, SPDY_EXEC), (DOWN, SPDY_GRANTED)]
    for number, name in ((1, "error"), (3, "stdin"), (5, "stdout")):
        headers = (("streamtype", name), ("x-long", f"value-{name}" * 20))
        script.append((UP, client.encode(SynStream(number, headers))))
        script.append((DOWN, server.encode(SynReply(number, (("a", name),)))))
    script += [
        (UP, client.encode(Data(3, b"hello"))),
        (UP, client.encode(Ping(1))),
        (DOWN, server.encode(Ping(1))),
        (DOWN, server.encode(Data(5, b"one"))),
        (DOWN, server.encode(Data(5, b"two"))),
        (DOWN, server.encode(Data(1, SUCCESS, Flag.FIN))),
        (DOWN, server.encode(Data(5, b"", Flag.FIN))),
    ]
    return script


FORWARD = EXEC.replace(b"/exec?command=ls&stdout=true", b"/portforward").replace(
    b"v5.channel.k8s.io", b"SPDY/3.1+portforward.k8s.io"
)
FORWARDED = GRANTED.replace(b"v5.channel.k8s.io", b"SPDY/3.1+portforward.k8s.io")


def tunnel_session() -> list[tuple[Direction, bytes]]:
    """A port-forward over SPDY in WebSocket; head and payload are a message each."""
    client, server = FrameEncoder(), FrameEncoder()
    script = [(UP, FORWARD), (DOWN, FORWARDED)]
    for number, kind in ((1, "error"), (3, "data")):
        headers = (("port", "80"), ("requestid", "0"), ("streamtype", kind))
        script += _tunnelled(UP, client.encode(SynStream(number, headers)))
        script += _tunnelled(DOWN, server.encode(SynReply(number, ())))
    script += _tunnelled(UP, client.encode(Data(3, b"hello")))
    script += _tunnelled(UP, client.encode(Ping(1)))
    script += _tunnelled(DOWN, server.encode(Ping(1)))
    for data in (b"one", b"two", b"three"):
        script += _tunnelled(DOWN, server.encode(Data(3, data)))
    script += _tunnelled(DOWN, server.encode(Data(3, b"", Flag.FIN)))
    close = close_payload(1000)
    return [*script, (UP, encode_frame(Opcode.CLOSE, close, mask=MASK))]


def _tunnelled(way: Direction, frame: bytes) -> list[tuple[Direction, bytes]]:
    mask = MASK if way is UP else None
    pieces = frame[:4], frame[4:8], frame[8:]
    return [(way, encode_frame(Opcode.BINARY, p, mask=mask)) for p in pieces if p]


def http2_frame(kind, flags, stream, payload) -> bytes:
    size = len(payload)
    return size.to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def literal(*headers, index=False) -> bytes:
    """A header block of literals, which go into the table with `index`."""
    out = bytearray()
    for name, value in headers:
        out += b"\x40" if index else b"\x00"
        out += bytes((len(name),)) + name.encode() + bytes((len(value),))
        out += value.encode()
    return bytes(out)


def message(data: bytes) -> bytes:
    return b"\x00" + len(data).to_bytes(4) + data


def call_headers(method: str) -> bytes:
    return literal(
        (":method", "POST"),
        (":path", f"/runtime.v1.RuntimeService/{method}"),
        ("content-type", "application/grpc"),
        index=True,
    )


def grpc_session(url: bytes = b"http://127.0.0.1:40000/exec/abcdef12"):
    """Two calls over one connection: Exec, whose answer is a URL, and Version."""
    kind = Http2FrameType
    exec_answer = b"\x0a" + bytes((len(url),)) + url
    answer = literal(
        (":status", "200"), ("content-type", "application/grpc"), index=True
    )
    trailers = literal(("grpc-status", "0"), index=True)
    # The second call's headers are three entries of the table.
    indexed = bytes((0x80 | 62 + 2, 0x80 | 62 + 1, 0x80 | 62))
    return [
        (UP, PREFACE + http2_frame(kind.SETTINGS, 0, 0, b"")),
        (DOWN, http2_frame(kind.SETTINGS, 0, 0, b"")),
        (UP, http2_frame(kind.HEADERS, 4, 1, call_headers("Exec"))),
        (UP, http2_frame(kind.DATA, 1, 1, message(b"\x0a\x02id"))),
        (DOWN, http2_frame(kind.HEADERS, 4, 1, answer)),
        (DOWN, http2_frame(kind.DATA, 0, 1, message(exec_answer))),
        (DOWN, http2_frame(kind.HEADERS, 5, 1, trailers)),
        (UP, http2_frame(kind.HEADERS, 4, 3, indexed)),
        (UP, http2_frame(kind.DATA, 1, 3, message(b""))),
        (DOWN, http2_frame(kind.HEADERS, 4, 3, bytes((0x80 | 62 + 2, 0x80 | 62 + 1)))),
        (DOWN, http2_frame(kind.DATA, 0, 3, message(b"v"))),
        (DOWN, http2_frame(kind.HEADERS, 5, 3, bytes((0x80 | 62,)))),
    ]


def cut(script, seed: int):
    """The same bytes in other chunks."""
    chance = random.Random(seed)
    for direction, data in script:
        while data:
            size = chance.randint(1, max(1, min(len(data), 40)))
            yield direction, data[:size]
            data = data[size:]


class Struck:
    """A connection with rules, and what comes out of it."""

    def __init__(self, *rules, role: str = "server", hop: Hop | None = None) -> None:
        self.engine = FaultEngine()
        for item in rules:
            self.engine.add(item, 0.0)
        where = hop or (rules[0].hop if rules else Hop.KUBECTL_APISERVER)
        name = f"c-{next(_numbers)}"
        self.facts = ConnectionFacts(where, 1, "test", role, name)
        (self.faults,) = self.engine.faults_for(self.facts) or (
            ConnectionFaults(self.engine, self.facts, lambda facts: None),
        )
        self.actions: dict = {UP: [], DOWN: []}
        self.now = 0.0
        self.early = self.faults.connecting(self.now)
        self.actions[self.facts.sends] += self.faults.connected({}, self.now)
        self._collect()

    def feed(self, direction, data, now: float | None = None):
        self.now = self.now + 0.001 if now is None else now
        actions = self.faults.act(direction, [Deliver(data)], self.now)
        self.actions[direction] += actions
        self._collect()
        return actions

    def end(self, direction):
        self.actions[direction] += self.faults.act(direction, [HalfClose()], self.now)
        self._collect()

    def wait(self, now: float):
        """Let time pass, deadline by deadline."""
        while (due := self.faults.deadline()) is not None and due <= now:
            self.now = due
            self.faults.expire(due)
            self._collect()
        self.now = now

    def play(self, script):
        for direction, data in script:
            self.feed(direction, data)
        return self

    def wake(self):
        """The rules have changed."""
        self.faults.wake(self.now)
        self._collect()

    def _collect(self):
        for direction, actions in self.faults.pending(self.now):
            self.actions[direction] += actions

    def bytes(self, direction) -> bytes:
        return b"".join(
            a.data for a in self.actions[direction] if isinstance(a, Deliver)
        )

    def delays(self, direction) -> list[float]:
        return [a.seconds for a in self.actions[direction] if isinstance(a, Delay)]

    def was_reset(self) -> bool:
        return any(isinstance(a, Reset) for way in self.actions.values() for a in way)

    def ended(self, direction) -> bool:
        return any(isinstance(a, HalfClose) for a in self.actions[direction])

    def notes(self) -> list[str]:
        return [note.fault for note in self.faults.notes()]


def joined(script, direction) -> bytes:
    return b"".join(data for way, data in script if way is direction)
