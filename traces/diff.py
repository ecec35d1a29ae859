"""Two sessions aligned by meaning: a real cluster and ours, or two versions of kubectl.

What is compared on each hop, in each direction: the requests and answers with their
headers, and the frames that steer the session, in their order; and the bytes of each
stream as a whole, since where they are cut into frames means nothing. Times are not
compared, but shown.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Literal

from traces.flows import stream_name
from traces.labels import label_of, size_text
from traces.normal import Normalizer
from traces.printable import plain, quoted
from traces.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from traces.rows import Row
    from traces.sessions import Session

__all__ = ["Comparison", "Difference", "compare"]

#: Frames that come when time passes, not because of anything.
_BY_TIME = {
    ("websocket", "ping"),
    ("websocket", "pong"),
    ("spdy", "ping"),
    ("spdy", "window_update"),
    ("conn", "open"),
    ("conn", "eof"),
    ("conn", "session"),
}
_STREAM_NUMBER = re.compile(r" #\d+")
_INDEPENDENT = frozenset({"spdy", "portforward", "remotecommand"})
_WAYS = ("up", "down", "")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not the same.

    Args:
        where: the session as a whole, or a hop with its direction.
        what: what it concerns: `status`, `request`, `header accept`, `stdout` ...
        left, right: what it was; None: it was not there.
    """

    where: str
    what: str
    left: str | None
    right: str | None

    @property
    def sign(self) -> Literal["~", "-", "+"]:
        """Changed, only in the first, only in the second."""
        if self.left is None:
            return "+"
        return "-" if self.right is None else "~"


@dataclass(slots=True)
class Comparison:
    """What two sessions have in common, and what not."""

    left: Session
    right: Session
    differences: list[Difference] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    same_bytes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Whether both mean the same."""
        return not self.differences

    def text(self) -> str:
        """For people, a line a difference."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        for name, session in (("A", self.left), ("B", self.right)):
            over = " ".join(filter(None, (session.transport, session.subprotocol)))
            words = (session.title, session.client, over, session.status)
            took = f"{session.duration * 1000:.1f} ms"
            yield f"{name}  {' · '.join(plain(w) for w in (*words, took) if w)}"
        where = ""
        for difference in self.differences:
            if difference.where != where:
                where = difference.where
                yield f"\n{where}"
            yield from _drawn(difference)
        yield ""
        if self.same:
            yield f"the same: {', '.join(self.same)}"
        for stream, hops in self.same_bytes.items():
            yield f"the same bytes: {plain(stream)} on {plain(', '.join(hops))}"
        number = len(self.differences)
        yield (
            "no difference"
            if self.equal
            else f"{number} difference{'s' * (number > 1)}"
        )


def _drawn(difference: Difference) -> Iterator[str]:
    yield f"  {difference.sign} {plain(difference.what)}"
    for name, value in (("A", difference.left), ("B", difference.right)):
        if value is not None and (value or difference.sign == "~"):
            yield f"      {name} {plain(value) or '(nothing)'}"


def compare(
    left: Session,
    right: Session,
    *,
    ways: Iterable[str] = _WAYS,
    facts: bool = True,
    ignored: Callable[[str], bool] = lambda step: False,
) -> Comparison:
    """What differs between two sessions.

    Args:
        ways: of the directions up, down and "" those that are looked at.
        facts: whether client, protocol, status and hops count.
        ignored: says of a step's words, `GET /path` say, that it does not count.
    """
    made = Comparison(left, right)
    if facts:
        _compare_facts(made)
    sides = (_Side(left, ignored), _Side(right, ignored))
    ways = tuple(ways)
    hops = [hop for hop in left.hops if hop in sides[0].hops & sides[1].hops]
    for way in ways:
        by_hop = {hop: tuple(_steps(hop, way, *sides)) for hop in hops}
        made.differences += _told_once(by_hop, way)
    names = dict.fromkeys(name for side in sides for _, name in side.sizes)
    for name in names:
        # a size of a terminal and a status are compared by what they mean
        if name.rpartition(" ")[2] in ways and not name.startswith(("resize", "error")):
            by_hop = {hop: _stream(made, hop, name, *sides) for hop in hops}
            made.differences += _told_once(by_hop, "")
    return made


def _told_once(
    by_hop: dict[str, tuple[Difference, ...]], way: str
) -> Iterator[Difference]:
    """What was passed on from hop to hop is not told for each."""
    grouped: dict[tuple[Difference, ...], list[str]] = {}
    for hop, found in by_hop.items():
        if found:
            grouped.setdefault(found, []).append(hop)
    for found, hops in grouped.items():
        where = f"{', '.join(hops)} {way}".strip()
        for difference in found:
            yield replace(difference, where=where)


@dataclass(frozen=True, slots=True)
class _Step:
    """A frame that steers: `key` is its meaning, `shown` is for people."""

    key: str
    kind: str
    shown: str
    headers: dict[str, str]


class _Side:
    """One session, normalised."""

    def __init__(self, session: Session, ignored: Callable[[str], bool]) -> None:
        self._ignored = ignored
        self._normal = Normalizer(session)
        self.steps: dict[tuple[str, str], list[_Step]] = {}
        self.streams: dict[tuple[str, str], bytearray] = {}
        self.sizes: dict[tuple[str, str], int] = {}
        rows = rows_of(session)
        self.hops = {row.top.hop for row in rows}
        for row in rows:
            self._take(row)

    def _take(self, row: Row) -> None:
        event = next((e for e in reversed(row.events) if stream_name(e)), None)
        if event is not None:
            key = event.hop, f"{self._normal.text(stream_name(event))} {event.dir}"
            self.streams.setdefault(key, bytearray()).extend(event.payload or b"")
            self.sizes[key] = self.sizes.get(key, 0) + event.len
        is_data = event is not None and event.len > 0 and not row.find("remotecommand")
        if is_data or (row.top.layer, row.top.type) in _BY_TIME:
            return
        step = self._step(row)
        if self._ignored(step.key):
            return
        self.steps.setdefault((row.top.hop, row.top.dir), []).append(step)

    def _step(self, row: Row) -> _Step:
        request, response = row.find("http1", "request"), row.find("http1", "response")
        if request is not None:
            target = self._normal.target(str(request.info.get("target")))
            text = f"{request.info.get('method')} {target}"
            return _Step(text, "request", text, self._normal.headers(request.info))
        if response is not None:
            text = f"{response.info.get('status')} {response.info.get('reason') or ''}"
            return _Step(text, "answer", text, self._normal.headers(response.info))
        if row.first.layer == "conn" and row.first.type == "close":
            reason = self._normal.text(str(row.first.info.get("reason") or ""))
            return _Step(f"closed {reason}", "end", f"closed {reason}".strip(), {})
        if _ends_stdin(row):
            return _Step("end of stdin", "end of stdin", "end of stdin", {})
        label = label_of(row)
        # the sizes and previews of bodies are no meaning of theirs
        text = "body" if row.top.type == "body" else self._normal.named(str(label))
        if row.top.layer == "spdy":
            text = _STREAM_NUMBER.sub("", text)
        return _Step(text, row.top.layer, text, {})


def _ends_stdin(row: Row) -> bool:
    """v5 and SPDY say it differently."""
    ended = row.find("remotecommand", "stdin_end") is not None
    closed = row.find("remotecommand", "close")
    return ended or (closed is not None and closed.info.get("channel") == "stdin")


def _compare_facts(made: Comparison) -> None:
    left, right = made.left, made.right
    facts = {
        "verb": (left.verb, right.verb),
        "command": (" ".join(left.command), " ".join(right.command)),
        "streams": (" ".join(left.asked.streams), " ".join(right.asked.streams)),
        "client": (left.client, right.client),
        "transport": (left.transport, right.transport),
        "subprotocol": (left.subprotocol, right.subprotocol),
        "status": (left.status, right.status),
        "faults": (" ".join(left.faults), " ".join(right.faults)),
    }
    for name, (one, other) in facts.items():
        if one != other:
            made.differences.append(Difference("session", name, one, other))
        elif one:
            made.same.append(f"{name} {plain(one)}")
    for hop in left.hops:
        if hop not in right.hops:
            made.differences.append(Difference("session", f"hop {hop}", "seen", None))
    for hop in right.hops:
        if hop not in left.hops:
            made.differences.append(Difference("session", f"hop {hop}", None, "seen"))


def _steps(hop: str, way: str, left: _Side, right: _Side) -> Iterator[Difference]:
    """The frames of one direction, aligned."""
    ours, theirs = left.steps.get((hop, way), []), right.steps.get((hop, way), [])
    matcher = SequenceMatcher(
        None, [s.key for s in ours], [s.key for s in theirs], autojunk=False
    )
    left_over: list[_Step] = []
    right_over: list[_Step] = []
    for change, i, j, k, m in matcher.get_opcodes():
        if change == "equal":
            for one, other in zip(ours[i:j], theirs[k:m], strict=True):
                yield from _headers(one, other)
        else:
            left_over += ours[i:j]
            right_over += theirs[k:m]
    yield from _changed(*_without_moved(left_over, right_over))


def _without_moved(
    ours: list[_Step], theirs: list[_Step]
) -> tuple[list[_Step], list[_Step]]:
    """Frames of two streams of one connection have no order among each other."""
    left, right = list(ours), list(theirs)
    for step in ours:
        same = next((s for s in right if s.key == step.key), None)
        if step.kind in _INDEPENDENT and same is not None:
            left.remove(step)
            right.remove(same)
    return left, right


def _changed(ours: list[_Step], theirs: list[_Step]) -> Iterator[Difference]:
    """Pairs of one kind are changes of one thing; the rest is only on one side."""
    rest = list(theirs)
    for one in ours:
        other = next((step for step in rest if step.kind == one.kind), None)
        if other is None:
            yield Difference("", one.shown, "", None)
            continue
        rest.remove(other)
        yield Difference("", one.kind, one.shown, other.shown)
        yield from _headers(one, other)
    for other in rest:
        yield Difference("", other.shown, None, "")


def _headers(one: _Step, other: _Step) -> Iterator[Difference]:
    for name in dict.fromkeys((*one.headers, *other.headers)):
        left, right = one.headers.get(name), other.headers.get(name)
        if left != right:
            yield Difference("", f"header {name}", left, right)


def _stream(
    made: Comparison, hop: str, name: str, left: _Side, right: _Side
) -> tuple[Difference, ...]:
    """The bytes of one stream on one hop."""
    key = hop, name
    what = name.rpartition(" ")[0]
    sizes = left.sizes.get(key, 0), right.sizes.get(key, 0)
    whole = all(_is_whole(side, key) for side in (left, right))
    contents = [_content(side, key, whole=whole) for side in (left, right)]
    if contents[0] != contents[1]:
        return (Difference("", what, contents[0], contents[1]),)
    if sizes[0]:
        made.same_bytes.setdefault(f"{what} ({size_text(sizes[0])})", []).append(hop)
    return ()


def _is_whole(side: _Side, key: tuple[str, str]) -> bool:
    return len(side.streams.get(key, b"")) == side.sizes.get(key, 0)


def _content(side: _Side, key: tuple[str, str], *, whole: bool) -> str | None:
    """A stream for people: its size, and which bytes; None for none."""
    size = side.sizes.get(key, 0)
    if not size:
        return None
    if not whole:
        return f"{size_text(size)}, bytes not recorded"
    data = bytes(side.streams[key])
    digest = hashlib.sha256(data).hexdigest()[:8]
    return f"{size_text(size)}, {quoted(data, 40)}, sha256 {digest}"
