"""What rules look at: the events of one session, with requests and answers paired.

Of several witnesses of a connection one is heard (`traces.vantage`), so that nothing is
explained twice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from traces.lanes import dialler_of, lane_of_process, listener_of
from traces.requests import Asked, header_of, request_of
from traces.vantage import one_vantage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from traces.events import Event

__all__ = ["HOPS_INWARDS", "Exchange", "Story", "seconds"]

#: The hops of a session from the client to the runtime.
HOPS_INWARDS: Final = (
    "kubectl-apiserver",
    "apiserver-kubelet",
    "kubelet-cri",
    "kubelet-cri-streaming",
)
_ENDS: Final = ("eof", "close")
_TOGETHER: Final = 0.005  # seconds within which a runtime does what belongs together


@dataclass(slots=True)
class Exchange:
    """A request and what became of it.

    Args:
        body: the answer's body, as far as the trace has it.
        closed: the end of its connection, when that was seen.
    """

    request: Event
    asked: Asked
    response: Event | None = None
    body: bytes = b""
    body_length: int = 0
    body_end: Event | None = None
    closed: Event | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def hop(self) -> str:
        """Where it was made."""
        return self.request.hop

    @property
    def status(self) -> int:
        """Of the answer; 0 without one."""
        value = self.response.info.get("status") if self.response else None
        return value if isinstance(value, int) else 0

    @property
    def reason(self) -> str:
        """The status line of the answer."""
        if self.response is None:
            return "no answer"
        return f"{self.status} {self.response.info.get('reason') or ''}".rstrip()

    @property
    def wants(self) -> str:
        """websocket, spdy/3.1, ...: the upgrade that the request asks for, or ""."""
        return header_of(self.request.info, "upgrade").lower()

    @property
    def upgraded(self) -> bool:
        """Whether it was answered 101."""
        return self.status == 101

    @property
    def subprotocol(self) -> str:
        """What was agreed on."""
        if self.response is None:
            return ""
        return header_of(self.response.info, "sec-websocket-protocol") or header_of(
            self.response.info, "x-stream-protocol-version"
        )

    @property
    def message(self) -> str:
        """Why it was refused, in the words of the answer."""
        text = self.body.decode(errors="replace").strip()
        if text.startswith("{"):
            return _message_of(text)
        return text.partition("\n")[0][:300]

    def query(self, name: str) -> str:
        """A parameter of the request; "" when it is not there."""
        from urllib.parse import parse_qs

        target = str(self.request.info.get("target") or "")
        values = parse_qs(target.partition("?")[2], keep_blank_values=True)
        return values.get(name, [""])[0]

    def after(self, layer: str, *types: str) -> list[Event]:
        """Events of its connection behind the request."""
        return [
            event
            for event in self.events
            if event.layer == layer and (not types or event.type in types)
        ]


class Story:
    """A session as far as it went.

    Args:
        now: monotonic time of the one who asks, while the session may still go on;
            None for one that is looked at afterwards.
    """

    def __init__(self, events: Iterable[Event], now: float | None = None) -> None:
        everything = sorted(events, key=lambda event: (event.wall, event.seq))
        self.all = everything
        self.events = one_vantage(e for e in everything if e.layer != "bytes")
        self.now = now

    @cached_property
    def exchanges(self) -> list[Exchange]:
        """Requests over HTTP/1.1, in the order in which they were made."""
        found: list[Exchange] = []
        open_: dict[str, list[Exchange]] = {}
        for event in self.events:
            asked = request_of(event)
            if asked is not None:
                exchange = Exchange(event, asked)
                found.append(exchange)
                open_.setdefault(event.conn, []).append(exchange)
                exchange.events.append(event)
            elif event.conn in open_:
                _take(open_[event.conn], event)
        return found

    @cached_property
    def streams(self) -> list[Exchange]:
        """The exchanges that ask for exec, attach, port-forward or logs."""
        return [each for each in self.exchanges if each.asked.is_streaming]

    @cached_property
    def outermost(self) -> str:
        """The hop nearest to the client that was seen; "" for none."""
        seen = {each.hop for each in self.streams}
        return next((hop for hop in HOPS_INWARDS if hop in seen), "")

    @cached_property
    def final(self) -> Exchange | None:
        """The client's last try: a fallback makes two."""
        tries = [each for each in self.streams if each.hop == self.outermost]
        return tries[-1] if tries else None

    @property
    def verb(self) -> str:
        """exec, attach, port-forward, logs, or ""."""
        return self.final.asked.verb if self.final else ""

    @property
    def is_command(self) -> bool:
        """Whether it is an exec or an attach."""
        return self.verb in ("exec", "attach")

    @property
    def last(self) -> Event | None:
        """The last event; None in an empty story."""
        return self.events[-1] if self.events else None

    def on(self, hop: str) -> list[Exchange]:
        """The streaming requests of a hop."""
        return [each for each in self.streams if each.hop == hop]

    def find(self, layer: str, *types: str) -> list[Event]:
        """All events of a layer, of some types if any are given."""
        return [
            event
            for event in self.events
            if event.layer == layer and (not types or event.type in types)
        ]

    def first(self, layer: str, *types: str) -> Event | None:
        """The first of `find`."""
        return next(iter(self.find(layer, *types)), None)

    @cached_property
    def statuses(self) -> list[Event]:
        """What was told of the command's end, as the client saw it."""
        final = self.final
        return final.after("remotecommand", "status") if final else []

    @cached_property
    def is_over(self) -> bool:
        """Whether the client's stream has ended, or never was."""
        final = self.final
        if final is None:
            return True
        if final.response is not None and not final.upgraded:
            ended = final.body_end or final.closed
            return final.status >= 400 or ended is not None or self.now is None
        return final.closed is not None or bool(self.statuses)

    @property
    def is_waiting(self) -> bool:
        """Whether something is still to come, and somebody waits for it."""
        return not self.is_over and self.now is not None

    @property
    def waited(self) -> float:
        """Seconds since anything happened."""
        last = self.last
        return self.now - last.ts if last and self.now is not None else 0.0

    def process(self, kind: str) -> Event | None:
        """The first event of the process of this type."""
        return self.first("process", kind)

    @cached_property
    def left(self) -> Event | None:
        """The runtime's word that whoever spoke to it has gone, before the end."""
        return self.process("client left")

    def process_before_leaving(self, kind: str) -> Event | None:
        """The same of `process`, unless it came of the client's leaving.

        A runtime ends stdin when the client goes, so that many a command ends, too.
        """
        event, left = self.process(kind), self.left
        if event is None or left is None:
            return event
        return event if event.wall < left.wall - _TOGETHER else None

    @cached_property
    def stdin_ended(self) -> Event | None:
        """The end of stdin, wherever it was seen first, unless the client just left."""
        told = self.process_before_leaving("stdin ended")
        found = [e for e in self.events if e.dir == "up" and _ends_stdin(e)]
        if told is not None:
            found.append(told)
        return min(found, key=lambda event: event.wall, default=None)

    @property
    def sees_process(self) -> bool:
        """Whether anything was told of the process: a client alone sees nothing."""
        return bool(self.find("process"))

    @cached_property
    def first_end(self) -> Event | None:
        """The first end of a connection that carried the stream."""
        ends = [
            event
            for exchange in self.requests_upgraded()
            for event in exchange.after("conn", *_ENDS)
        ]
        return min(ends, key=lambda event: event.wall, default=None)

    @cached_property
    def gone_first(self) -> str:
        """The lane of the part that went away first; "" while none did."""
        end = self.first_end
        if end is None:
            return ""
        dialler, listener = dialler_of(end.hop), listener_of(end.hop)
        if end.dir:
            return dialler if end.dir == "up" else listener
        # closed with a reason by who saw it: the other one was the cause
        witness = lane_of_process(end.process or end.conn)
        other = dialler if witness == listener else listener
        return other if end.info.get("reason") else witness or listener

    def statuses_on(self, hop: str) -> list[Event]:
        """What was told of the command's end on a hop."""
        return [e for e in self.find("remotecommand", "status") if e.hop == hop]

    def requests_upgraded(self) -> Iterator[Exchange]:
        """The streaming requests that were answered 101, from the client inwards."""
        for hop in HOPS_INWARDS:
            yield from (each for each in self.on(hop) if each.upgraded)


def _ends_stdin(event: Event) -> bool:
    if event.layer == "remotecommand":
        closed = event.type == "close" and event.info.get("channel") == "stdin"
        return closed or event.type == "stdin_end"
    named = event.layer == "spdy" and event.info.get("name") == "stdin"
    return named and event.info.get("fin") is True


def seconds(value: float) -> str:
    """`0.3 s`, `12 s`, `4 min`, `4 h`."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    if value < 7200:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.0f} h"


def _take(exchanges: list[Exchange], event: Event) -> None:
    """An event of a connection that has requests: which of them is meant."""
    for exchange in exchanges:
        if event.layer != "http1":
            continue
        if exchange.request.stream == event.stream:
            _take_http(exchange, event)
            return
    last = exchanges[-1]
    last.events.append(event)
    if (event.layer, event.type) == ("crilog", "end"):
        last.body_end = event
    if event.layer == "conn" and event.type in _ENDS and last.closed is None:
        last.closed = event


def _take_http(exchange: Exchange, event: Event) -> None:
    exchange.events.append(event)
    if event.dir != "down":
        return
    if event.type == "response":
        exchange.response = event
    elif event.type == "body":
        exchange.body_length += event.len
        if len(exchange.body) < 4096:
            exchange.body += event.payload or b""


def _message_of(text: str) -> str:
    """The message of a Status; it may be cut off."""
    try:
        status: Any = json.loads(text)
        return str(status.get("message") or "")
    except (ValueError, AttributeError):
        _, found, rest = text.partition('"message":"')
        end = rest.find('","reason"')
        return (rest[:end] if end >= 0 else rest).replace('\\"', '"') if found else ""
