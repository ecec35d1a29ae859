"""What a filter can ask of a session or of a frame: the values of `filter.FIELDS`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wire.channels import Channel

if TYPE_CHECKING:
    from traces.events import Event
    from traces.sessions import Session

__all__ = ["SessionFacts", "channel_names", "facts_of_event", "is_payload"]

#: Channels and SPDY streams that carry what users send; `data` is port-forward's.
_PAYLOAD = ("stdin", "stdout", "stderr", "data")

Values = dict[str, list[str | float]]


class SessionFacts:
    """The facts of one session, kept up to date at the cost of what is new.

    Attributes:
        frames: how many there are, each as often as it was seen.
        up, down: bytes of payload towards the process and back, counted on the
            connection that carried most.
        longest: bytes of payload in the longest frame.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._restart()

    def _restart(self) -> None:
        self._seen = 0
        self.longest = 0
        self._sets: dict[str, dict[str | float, None]] = {}
        # bytes up and down by connection: of streams, and of plain requests
        self._streamed: dict[str, list[int]] = {}
        self._bodies: dict[str, list[int]] = {}

    @property
    def frames(self) -> int:
        return len(self.session.events)

    @property
    def up(self) -> int:
        return self._most(0)

    @property
    def down(self) -> int:
        return self._most(1)

    def _most(self, way: int) -> int:
        """A stream is what matters; the pod that was read before it is not."""
        self.update()
        carried = self._streamed or self._bodies
        return max((counts[way] for counts in carried.values()), default=0)

    def update(self) -> None:
        """Look at the events that came since the last look."""
        events = self.session.events
        if len(events) < self._seen:  # some were found to be another session's
            self._restart()
        for event in events[self._seen :]:
            self._add(event)
        self._seen = len(events)

    def _add(self, event: Event) -> None:
        for field, values in facts_of_event(event).items():
            known = self._sets.setdefault(field, {})
            known.update(dict.fromkeys(values))
        if is_payload(event):
            self.longest = max(self.longest, event.len)
            carried = self._bodies if event.layer == "http1" else self._streamed
            counts = carried.setdefault(event.conn, [0, 0])
            counts[event.dir == "down"] += event.len

    def values(self) -> Values:
        """The facts, for a filter."""
        self.update()
        session = self.session
        values: Values = {field: list(known) for field, known in self._sets.items()}
        values["length"] = [self.longest]
        values["bytes"] = [self.up + self.down]
        values["duration"] = [session.duration]
        values["status"] = _statuses(session)
        for field, text in (
            ("session", session.id),
            ("client", session.client),
            ("pod", session.pod),
            ("namespace", session.namespace),
            ("container", session.container),
            ("verb", session.verb),
            ("command", " ".join(session.command)),
            ("subprotocol", session.subprotocol),
        ):
            values[field] = [text] if text else []
        return values


def facts_of_event(event: Event) -> Values:
    """The facts of one frame, for a filter."""
    values: Values = {
        "hop": [event.hop],
        "layer": [event.layer],
        "type": [event.type],
        "length": [event.len],
    }
    if channels := channel_names(event):
        values["channel"] = channels
    if event.fault:
        values["fault"] = [event.fault]
    if event.trace:
        values["session"] = [event.trace]
    if event.layer in ("http1", "remotecommand", "grpc", "process"):
        status = event.info.get("status", event.info.get("code"))
        if isinstance(status, str | int):
            values["status"] = [status]
    return values


def channel_names(event: Event) -> list[str | float]:
    """The channel of a frame by name and by number; SPDY streams have names, too."""
    if event.layer == "channel":
        number = event.channel if event.channel is not None else event.stream
        return [event.type] if number is None else [event.type, number]
    if event.layer == "spdy" and isinstance(event.info.get("name"), str):
        return [event.info["name"]]
    if event.layer == "process" and event.type in ("stdin", "stdout", "stderr"):
        return [event.type, int(Channel[event.type.upper()])]
    return []


def is_payload(event: Event) -> bool:
    """Whether it carries bytes of the user's, and not a frame around them."""
    if event.layer == "channel":
        return event.type in _PAYLOAD
    if event.layer == "spdy":
        return event.type == "data" and event.info.get("name") in _PAYLOAD
    return (event.layer, event.type) == ("http1", "body")


def _statuses(session: Session) -> list[str | float]:
    """The status as the list shows it, the code in it, and a word for the kind of end.

    The texts are those of `traces.outcome`.
    """
    text = session.status
    if session.is_open:
        return [text, "running"]
    if session.exit_code is not None:
        return [text, session.exit_code, "failed" if session.exit_code else "ok"]
    first = text.partition(" ")[0]
    if first.isdecimal():
        refused = int(first) >= 400
        return [text, int(first), *(["refused", "failed"] if refused else ["ok"])]
    if text == "no status":
        return [text, "cut", "failed"]
    return [text, "failed" if text.startswith("failed") else "ok"]
