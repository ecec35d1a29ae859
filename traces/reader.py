"""Trace files read: a folder of them, or one; merged by time, with sessions.

A folder has a file a process, as `hops.trace` writes them; a file that was exported
(`--format jsonl`) has the events of several, each line with its own process and time.

A process may be killed in the middle of a line, and start again with the same file: a
last line without its end is passed over, a line that is no event is noted in
`Trace.problems`, and a file without any event or header is refused.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from traces.events import Event, EventError, parse_event, parse_object, time_field
from traces.sessions import SessionBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from traces.events import JsonObject
    from traces.sessions import Session

__all__ = ["LineReader", "Trace", "TraceError", "read_folder", "read_lines"]

_SUFFIX = ".jsonl"
_MOST_PROBLEMS = 20
#: Clocks of one machine differ by less from one start of a process to the next.
_SAME_CLOCK = 2.0


class TraceError(Exception):
    """No trace can be read; the text says which file, and why."""


class Trace:
    """Events in the order of time, and their sessions.

    Attributes:
        events: all of them; `seq` counts from 0.
        problems: lines that could not be read, as `FILE:LINE: WHY`.
    """

    def __init__(self, events: Iterable[Event], problems: Iterable[str] = ()) -> None:
        self.events = list(events)
        self.problems = list(problems)
        self._book = SessionBook()
        for event in self.events:
            self._book.add(event)

    @property
    def sessions(self) -> list[Session]:
        """The sessions in the order of their first events."""
        return self._book.all()

    def session(self, name: str) -> Session:
        """A session by its id, the beginning of it, or `last`.

        `last` is the last exec, attach, port-forward or logs, else the last of all.

        Raises:
            TraceError: there is none, or several begin so.
        """
        sessions = self.sessions
        if name == "last":
            if not sessions:
                raise TraceError("the trace has no sessions")
            streaming = [each for each in sessions if each.asked.is_streaming]
            return (streaming or sessions)[-1]
        exact = self._book.get(name)
        if exact is not None:
            return exact
        found = [each for each in sessions if name and each.id.startswith(name)]
        if not found:
            raise TraceError(f"no session {name!r} in the trace")
        if len(found) > 1:
            several = ", ".join(each.id for each in found[:4])
            raise TraceError(f"{name!r} may be {several}; say more of it")
        return found[0]


class LineReader:
    """Lines of one process to events; for files, and for what comes over a socket.

    Args:
        process: who writes, until a header says it.

    Attributes:
        headers: how many there were.
        lost: how many events the last line says were lost.
    """

    def __init__(self, process: str = "") -> None:
        self._process = process
        self._offset = 0.0
        self._clocks: list[float] = []
        self._seq = 0
        self.headers = 0
        self.lost = 0

    def read(self, line: str | bytes) -> Event | None:
        """One line; None for a header, and for one that says how many were lost.

        Raises:
            EventError: it is none of these.
        """
        self.lost = 0
        fields = parse_object(line)
        if "header" in fields:
            self._take_header(fields)
            return None
        if "lost" in fields and "layer" not in fields:
            self.lost = fields["lost"] if isinstance(fields["lost"], int) else 0
            return None
        event = parse_event(
            fields, process=self._process, offset=self._offset, seq=self._seq
        )
        self._seq += 1
        return event

    def change_file(self, process: str) -> None:
        """The next lines are another process's, on the same machine."""
        self._process, self._offset = process, 0.0

    def _take_header(self, fields: JsonObject) -> None:
        self.headers += 1
        process = fields.get("process")
        if isinstance(process, str) and process:
            self._process = process
        if "wall" in fields and "mono" in fields:
            offset = time_field(fields, "wall") - time_field(fields, "mono")
            self._offset = self._clock(offset)

    def _clock(self, offset: float) -> float:
        """Between processes of a machine the monotonic times are exact.

        The wall clock may have been set from one start to the next.
        """
        for known in self._clocks:
            if abs(known - offset) < _SAME_CLOCK:
                return known
        self._clocks.append(offset)
        return offset


def read_folder(path: str | Path) -> Trace:
    """Read all trace files of a folder, or one file.

    Raises:
        TraceError: there is no such folder or file, or it holds no trace.
    """
    place = Path(path)
    lines = LineReader()
    events: list[Event] = []
    problems: list[str] = []
    for file in _files(place):
        lines.change_file(_process_of(file))
        try:
            with file.open("rb") as stream:
                events += _events_of(stream, lines, file.name, problems)
        except OSError as err:
            raise TraceError(f"{file}: {err.strerror or err}") from err
    if not events and not lines.headers:
        why = problems[0] if problems else "there is nothing in it"
        raise TraceError(f"{place} holds no trace: {why}")
    return Trace(_in_order(events), problems)


def read_lines(stream: Iterable[bytes]) -> Trace:
    """The same of lines from anywhere; with their own process and time, or a header."""
    problems: list[str] = []
    events = list(_events_of(stream, LineReader(), "line", problems))
    return Trace(_in_order(events), problems)


def _files(place: Path) -> list[Path]:
    if not place.exists():
        raise TraceError(f"{place}: there is no such folder or file")
    if not place.is_dir():
        return [place]
    files = sorted(place.glob(f"*{_SUFFIX}"))
    if not files:
        raise TraceError(f"{place}: there are no trace files ({_SUFFIX}) in it")
    return files


def _process_of(file: Path) -> str:
    """`kubelet-node-1-4711.jsonl` -> `kubelet-node-1`; the header knows better."""
    name, _, pid = file.stem.rpartition("-")
    return name if pid.isdigit() else file.stem


def _events_of(
    stream: Iterable[bytes], lines: LineReader, name: str, problems: list[str]
) -> Iterator[Event]:
    for number, line in enumerate(stream, 1):
        if line.isspace():
            continue
        try:
            event = lines.read(line)
        except EventError as err:
            # without its end it is being written, or its writer was killed
            if line.endswith(b"\n"):
                _note(problems, f"{name}:{number}: {err}")
            continue
        if event is not None:
            yield event
        elif lines.lost:
            _note(problems, f"{name}:{number}: {lines.lost} events were lost")


def _note(problems: list[str], text: str) -> None:
    if len(problems) < _MOST_PROBLEMS:
        problems.append(text)
    elif len(problems) == _MOST_PROBLEMS:
        problems.append("... and more lines like these")


def _in_order(events: list[Event]) -> Iterator[Event]:
    """By time; those of one moment in the order in which they were written."""
    events.sort(key=lambda event: event.wall)
    for seq, event in enumerate(events):
        yield event if event.seq == seq else replace(event, seq=seq)
