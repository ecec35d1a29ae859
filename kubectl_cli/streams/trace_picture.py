"""Trace events as a sequence diagram for a terminal.

  ms  client     apiserver  kubelet    runtime    process
0.00  ├─────────▶│          │          │          │        http1 GET /api/v1/...
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hops.trace import TraceEvent

__all__ = ["LANES", "draw"]

LANES = ("client", "apiserver", "kubelet", "runtime", "process")
_WIDTH = 11
_MOST = 500
_TEXT = 100
#: What another layer tells better: frames of gRPC by the call, those of a WebSocket by
#: the channel, streams of a session by their SYN_STREAM.
_TOLD_ABOVE = {
    ("grpc", "message"),
    ("grpc", "status"),
    ("remotecommand", "stream"),
    ("websocket", "binary"),
    ("websocket", "text"),
}
_HIDDEN_LAYERS = ("bytes", "http2", "tls")
#: The lanes of who dials and of who listens.
_ENDS = {
    "kubectl-apiserver": (0, 1),
    "apiserver-kubelet": (1, 2),
    "kubelet-cri": (2, 3),
    "kubelet-cri-streaming": (2, 3),
    "cri-shim": (3, 4),
    "cri-pod": (3, 4),
}
#: Who dials on a hop, as connection ids name processes: of the two who see a frame, it
#: is the one whose word is taken.
_DIALLERS = {
    "kubectl-apiserver": "mini-kubectl",
    "apiserver-kubelet": "apiserver",
    "kubelet-cri": "kubelet",
    "kubelet-cri-streaming": "kubelet",
    "cri-shim": "cri",
    "cri-pod": "cri",
}


def draw(trace_id: str, events: Iterable[TraceEvent]) -> str:
    """The whole picture; long sessions lose their middle, and it says so."""
    chosen = sorted(_one_vantage(events), key=lambda event: event.ts)
    lines = [f"session {trace_id}", "       ms  " + _names()]
    start = chosen[0].ts if chosen else 0.0
    rows = [_row(event, start) for event in chosen]
    if len(rows) > _MOST:
        left_out = len(rows) - _MOST
        half = _MOST // 2
        rows = [*rows[:half], f"    ... {left_out} frames left out ...", *rows[-half:]]
    return "\n".join([*lines, *rows]) + "\n"


def _names() -> str:
    return "".join(name.ljust(_WIDTH) for name in LANES).rstrip()


def _one_vantage(events: Iterable[TraceEvent]) -> list[TraceEvent]:
    """Each frame once: as its dialler saw it, else as anybody did."""
    by_hop: dict[str, list[TraceEvent]] = {}
    for event in events:
        if event.hop in _ENDS and _is_shown(event):
            by_hop.setdefault(event.hop, []).append(event)
    chosen: list[TraceEvent] = []
    for hop, seen in by_hop.items():
        own = [event for event in seen if event.conn.startswith(_DIALLERS[hop])]
        chosen += own or seen
    return chosen


def _is_shown(event: TraceEvent) -> bool:
    if event.layer in _HIDDEN_LAYERS or event.type == "session":
        return False
    return (event.layer, event.type) not in _TOLD_ABOVE


def _row(event: TraceEvent, start: float) -> str:
    left, right = _ENDS[event.hop]
    cells = ["│".ljust(_WIDTH) for _ in LANES]
    shaft = "─" * (_WIDTH - 2)
    if event.dir == "up":
        cells[left] = f"├{shaft}▶"
    elif event.dir == "down":
        cells[left] = f"│◀{shaft[1:]}─"
    else:
        cells[left] = "├" + "╌" * (_WIDTH - 1)
    if event.dir == "down":
        cells[right] = "┤".ljust(_WIDTH)
    lanes = "".join(cells).rstrip().ljust(_WIDTH * (len(LANES) - 1) + 2)
    return f"{(event.ts - start) * 1000:9.2f}  {lanes} {_label(event)}"


def _label(event: TraceEvent) -> str:
    info = event.info
    match event.layer, event.type:
        case "http1", "request":
            text = f"{info.get('method')} {info.get('target')}"
        case "http1", "response":
            text = f"{info.get('status')} {info.get('reason')}"
        case _:
            text = _plain_label(event)
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"


def _plain_label(event: TraceEvent) -> str:
    parts = [event.layer, event.type]
    if event.stream is not None:
        parts.append(f"#{event.stream}")
    parts += [f"{key}={value}" for key, value in event.info.items() if value != ""]
    if event.len:
        parts.append(f"({event.len} B)")
    if event.fault:
        parts.append(f"fault={event.fault}")
    return " ".join(parts)
