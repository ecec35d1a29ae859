"""Sessions: the events of one command of a client, on all hops.

They belong together by the session id; what has none belongs to its connection. A
server learns the id of a request only after it has seen it, so what stands before the
event `session` on the same connection goes along with it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hops.session import HEADER
from traces.outcome import HOPS_INWARDS, Outcome
from traces.requests import Asked, header_of, request_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from traces.events import Event

__all__ = ["Session", "SessionBook"]

_LONGEST_TAIL = 256


class Session:
    """One session; grows while its events come in.

    Args:
        id_: the session id, or the name of the connection when there is none.
        connections: the events of layers conn, tls and bytes by connection, of the
            whole trace: see `connection_events`.

    Attributes:
        events: in the order of time.
    """

    def __init__(
        self, id_: str, connections: Mapping[str, Sequence[Event]] | None = None
    ) -> None:
        self.id = id_
        self.events: list[Event] = []
        self._connections = connections if connections is not None else {}
        self._facts = _Facts()

    def add(self, event: Event) -> None:
        """Take one more event; they come in the order of time."""
        self.events.append(event)
        self._facts.add(event)

    def move(self, events: Sequence[Event], target: Session) -> None:
        """Give up events that belong to another session."""
        gone = {id(event) for event in events}
        self.events = [event for event in self.events if id(event) not in gone]
        self._facts = _facts_of(self.events)
        merged = sorted([*target.events, *events], key=lambda event: event.seq)
        target.events = merged
        target._facts = _facts_of(merged)  # one of our own

    @property
    def asked(self) -> Asked:
        """What was asked for, as the outermost hop that was seen has it."""
        return self._facts.asked

    @property
    def has_id(self) -> bool:
        """Whether it has a session id, as what a user starts has."""
        return self._facts.has_id

    @property
    def is_named_by_server(self) -> bool:
        """Whether it has its id because a server needed one behind it.

        An API server gives one to each request for which it asks etcd.
        """
        return self._facts.requested and not self._facts.named

    @property
    def verb(self) -> str:
        """exec, attach, port-forward, logs, get ...; "" when it is not known."""
        return self.asked.verb

    @property
    def pod(self) -> str:
        """The pod's name; "" for none."""
        asked = self.asked
        return asked.pod if asked.resource.partition("/")[0] == "pods" else ""

    @property
    def namespace(self) -> str:
        """The namespace; "" for none."""
        return self.asked.namespace

    @property
    def container(self) -> str:
        """The container's name; "" when it is not known."""
        return self.asked.container

    @property
    def command(self) -> tuple[str, ...]:
        """The command that was to be run."""
        return self.asked.command

    @property
    def client(self) -> str:
        """The client's name and version, e.g. "kubectl/v1.36.2"; "" when not known."""
        return self._facts.client

    @property
    def subprotocol(self) -> str:
        """What was agreed on, as the client saw it, e.g. "v5.channel.k8s.io"."""
        return self._facts.subprotocol

    @property
    def transport(self) -> str:
        """websocket, spdy or http; "" while nothing was answered."""
        return self._facts.outcome.transport

    @property
    def status(self) -> str:
        """How it ended, in a few words: see `traces.outcome`."""
        return self._facts.outcome.text

    @property
    def exit_code(self) -> int | None:
        """The command's exit code when a status told it."""
        return self._facts.outcome.exit_code

    @property
    def is_open(self) -> bool:
        """Whether it is still going on, as far as the trace tells."""
        return self._facts.outcome.is_open

    @property
    def started(self) -> float:
        """Unix time of the first event, in seconds; 0 without events."""
        return self.events[0].wall if self.events else 0.0

    @property
    def ended(self) -> float | None:
        """Unix time of the last event; None while the session is open."""
        return None if self.is_open or not self.events else self.events[-1].wall

    @property
    def duration(self) -> float:
        """Seconds from the first event to the last."""
        return self.events[-1].wall - self.events[0].wall if self.events else 0.0

    @property
    def hops(self) -> tuple[str, ...]:
        """The hops on which it was seen, in order of appearance."""
        return tuple(self._facts.hops)

    @property
    def faults(self) -> tuple[str, ...]:
        """The names of the faults that acted in it."""
        return tuple(self._facts.faults)

    @property
    def title(self) -> str:
        """What was asked, in one line: `exec default/web -c web -- sh`."""
        asked = self.asked
        target = "/".join(filter(None, (asked.namespace, asked.pod)))
        if asked.resource and not asked.is_streaming:
            target = " ".join(filter(None, (asked.resource, target)))
        if asked.container:
            target += f" -c {asked.container}"
        words = [asked.verb or "connection", target]
        if asked.command:
            words += ["--", *asked.command]
        return " ".join(filter(None, words))

    def connection_events(self) -> list[Event]:
        """Events of layers conn, tls and bytes of its connections, from their start.

        Also those before the session: who reads the bytes of a connection that several
        sessions share needs all that came before. None from after its last event.
        """
        if not self.events:
            return []
        end = self.events[-1].seq
        names = dict.fromkeys(event.conn for event in self.events)
        return [
            event
            for name in names
            for event in self._connections.get(name, ())
            if event.seq <= end
        ]

    def other_connection_events(self, hop: str) -> list[Event]:
        """The same of all connections of the trace on a hop that it has no part in.

        A server that plays a session has to answer what its client asks besides.
        """
        own = {event.conn for event in self.events}
        return [
            event
            for conn, events in self._connections.items()
            if conn not in own
            for event in events
            if event.hop == hop
        ]


class _Facts:
    """What the events of a session say of it."""

    def __init__(self) -> None:
        self.has_id = False
        self.requested = False
        self.named = False  # a request has the id with it
        self.client = ""
        self.subprotocol = ""
        self.outcome = Outcome()
        self.hops: dict[str, None] = {}
        self.faults: dict[str, None] = {}
        self._asked: dict[str, Asked] = {}  # hop -> the best request

    def add(self, event: Event) -> None:
        self.hops[event.hop] = None
        self.has_id = self.has_id or event.trace is not None
        if event.fault:
            self.faults[event.fault] = None
        if event.layer == "http1":
            self._note_http(event)
        self.outcome.add(event)

    @property
    def asked(self) -> Asked:
        """A command makes several requests; the one with a stream is meant."""
        found = [self._asked[hop] for hop in HOPS_INWARDS if hop in self._asked]
        found += [asked for asked in self._asked.values() if asked not in found]
        streaming = [asked for asked in found if asked.is_streaming]
        if streaming:
            # kubectl may leave the container to the server; the kubelet is told it
            names = (asked.container for asked in streaming if asked.container)
            return replace(streaming[0], container=next(names, ""))
        if found:
            return found[0]
        return Asked(self.outcome.method.rpartition("/")[2])

    def _note_http(self, event: Event) -> None:
        asked = request_of(event)
        if asked is not None:
            self.requested = True
            self.named = self.named or bool(header_of(event.info, HEADER))
            known = self._asked.get(event.hop)
            if known is None or (asked.is_streaming and not known.is_streaming):
                self._asked[event.hop] = asked
            agent = header_of(event.info, "user-agent")
            self.client = self.client or agent.split(" ", 1)[0]
        elif event.type == "response" and event.info.get("status") == 101:
            chosen = header_of(event.info, "sec-websocket-protocol")
            chosen = chosen or header_of(event.info, "x-stream-protocol-version")
            # a server that translates answers later than those behind it
            if chosen and (event.hop == HOPS_INWARDS[0] or not self.subprotocol):
                self.subprotocol = chosen


def _facts_of(events: Sequence[Event]) -> _Facts:
    facts = _Facts()
    for event in events:
        facts.add(event)
    return facts


class SessionBook:
    """Puts events to their sessions as they come, in the order of time."""

    def __init__(self) -> None:
        self.connections: dict[str, list[Event]] = {}
        self._sessions: dict[str, Session] = {}
        self._owners: dict[str, str] = {}  # conn -> session of its last event
        # conn -> what came since its last answer, and the session it was put to
        self._tails: dict[str, list[tuple[Event, str]]] = {}

    def add(self, event: Event) -> Session:
        """Take an event; answers the session that it belongs to."""
        if event.layer in ("conn", "tls", "bytes"):
            self.connections.setdefault(event.conn, []).append(event)
        key = event.trace or self._owner_of(event)
        if event.trace and _tells_id(event):
            self._move_tail(event.conn, key)
        self._note_tail(event, key)
        self._owners[event.conn] = key
        session = self._session(key)
        session.add(event)
        return session

    def all(self) -> list[Session]:
        """The sessions in the order of their first events."""
        sessions = (session for session in self._sessions.values() if session.events)
        return sorted(sessions, key=lambda session: session.events[0].seq)

    def get(self, id_: str) -> Session | None:
        """A session by its id."""
        found = self._sessions.get(id_)
        return found if found is not None and found.events else None

    def forget(self, id_: str) -> None:
        """Drop a session that is over: for who looks on for days."""
        session = self._sessions.pop(id_, None)
        for conn in {event.conn for event in session.events} if session else ():
            if self._owners.get(conn) == id_:
                self._owners.pop(conn)
                self._tails.pop(conn, None)
                self.connections.pop(conn, None)

    def _session(self, key: str) -> Session:
        if key not in self._sessions:
            self._sessions[key] = Session(key, self.connections)
        return self._sessions[key]

    def _owner_of(self, event: Event) -> str:
        """The end of a connection belongs to the session that it last had."""
        if event.layer in ("conn", "bytes", "raw"):
            return self._owners.get(event.conn, event.conn)
        return event.conn

    def _note_tail(self, event: Event, key: str) -> None:
        if event.layer == "http1" and event.dir == "down":
            self._tails.pop(event.conn, None)  # what was asked before is answered
        elif event.layer in ("conn", "tls", "bytes", "http1"):
            tail = self._tails.setdefault(event.conn, [])
            tail.append((event, key))
            if len(tail) > _LONGEST_TAIL:  # a stream: nothing of it will be moved
                del tail[: _LONGEST_TAIL // 2]

    def _move_tail(self, conn: str, key: str) -> None:
        tail = self._tails.pop(conn, [])
        by_owner: dict[str, list[Event]] = {}
        for event, owner in tail:
            if owner != key:
                by_owner.setdefault(owner, []).append(event)
        for owner, events in by_owner.items():
            self._sessions[owner].move(events, self._session(key))
        self._tails[conn] = [(event, key) for event, _ in tail]


def _tells_id(event: Event) -> bool:
    """Events from which on the session of an HTTP/1 connection is known."""
    return (event.layer, event.type) in (("conn", "session"), ("http1", "request"))
