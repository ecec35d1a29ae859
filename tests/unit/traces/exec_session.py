"""A small exec, made of bytes by the decoders that decode real ones: `echo hi`, exit 3.

Times are milliseconds after ten seconds, so that pictures of it do not change.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace

from hops.hop import Hop
from hops.pipe import Direction
from hops.taps.connection import ConnectionTap
from hops.trace import ALL_BYTES, MemorySink, TraceEvent, TraceSettings
from traces.events import parse_event
from traces.reader import Trace
from wire.websocket import Opcode, close_payload, encode_frame

SESSION = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{SESSION}-b7ad6b7169203331-01"
STATUS = {
    "metadata": {},
    "status": "Failure",
    "message": "command terminated with non-zero exit code: exit code 3",
    "reason": "NonZeroExitCode",
    "details": {"causes": [{"reason": "ExitCode", "message": "3"}]},
}
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
)
#: hop, who sees it, target, ms of: connected, request, answer, output, status, close
HOPS = (
    (
        Hop.KUBECTL_APISERVER,
        "apiserver",
        "/api/v1/namespaces/default/pods/web/exec"
        "?command=sh&command=-c&command=echo+hi%3B+exit+3&container=web&stdout=true",
        (0, 0, 9, 13, 15, 17),
    ),
    (
        Hop.APISERVER_KUBELET,
        "apiserver",
        "/exec/default/web/web?command=sh&command=-c&command=echo+hi%3B+exit+3&output=1",
        (1, 2, 8, 12, 14, 16),
    ),
    (
        Hop.KUBELET_CRI_STREAMING,
        "kubelet/n",
        "/exec/RXhlYwAA",
        (3, 4, 7, 11, 13, 15),
    ),
)


def message(channel: int, data: bytes) -> bytes:
    return encode_frame(Opcode.BINARY, bytes([channel]) + data)


def exec_trace(output: bytes = b"hi\n", *, status: dict = STATUS, **settings) -> Trace:
    """The trace of the whole session; `output` may be anything."""
    sink = MemorySink(TraceSettings(**{"data_bytes": ALL_BYTES, **settings}))
    seen_by: dict[str, str] = {}
    for number, (hop, process, target, times) in enumerate(HOPS, 1):
        conn = f"{process}-7-{number}"
        seen_by[conn] = process
        _feed(ConnectionTap(sink, hop, conn), number, target, times, output, status)
    for ms, way, kind, size, info in (
        (10, "up", "started", 0, {"command": ["sh", "-c", "echo hi; exit 3"]}),
        (10.5, "down", "stdout", len(output), {}),
        (12, "down", "exited", 0, {"code": 3}),
    ):
        seen_by["cri-7-9"] = "cri"
        at = 10 + ms / 1000
        event = TraceEvent(
            at,
            "cri-shim",
            "cri-7-9",
            way,
            "process",
            kind,
            len=size,
            info=info,
            trace=SESSION,
            data=base64.b64encode(output).decode() if size else None,
        )
        sink.emit(event)
    lines = [
        (json.loads(event.to_json()), seen_by[event.conn]) for event in sink.events
    ]
    events = [
        parse_event(fields, process=process, offset=1_000_000_000.0, seq=0)
        for fields, process in lines
    ]
    events.sort(key=lambda event: event.ts)
    return numbered(events)


def numbered(events) -> Trace:
    return Trace(replace(event, seq=number) for number, event in enumerate(events))


def _feed(tap, number, target, times, output, status):
    opened, asked, answered, wrote, ended, closed = (10 + ms / 1000 for ms in times)
    tap.connected(
        {
            "sockname": ["127.0.0.1", 6443],
            "peername": ["127.0.0.1", 40000 + number],
            "tls": {"version": "TLSv1.3", "alpn": "http/1.1"},
        },
        opened,
    )
    head = (
        f"GET {target} HTTP/1.1\r\nHost: h\r\nUser-Agent: kubectl/v1.36.2 (linux)\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Sec-WebSocket-Protocol: v5.channel.k8s.io\r\ntraceparent: {PARENT}\r\n\r\n"
    )
    tap.feed(Direction.UP, head.encode(), asked)
    tap.feed(Direction.DOWN, SWITCH, answered)
    tap.feed(Direction.DOWN, message(1, output), wrote)
    close = encode_frame(Opcode.CLOSE, close_payload(1000))
    tap.feed(Direction.DOWN, message(3, json.dumps(status).encode()) + close, ended)
    tap.eof(Direction.DOWN, closed)
    tap.lost("", closed)
