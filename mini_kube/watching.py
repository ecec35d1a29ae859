"""What went over the hops of a cluster: its sessions, their frames, and waiting for them.

The services write their traces to files (`hops.trace`), a line an event; a `Trace` reads
what was added since it looked last. An event is in its file before the service's loop has
turned once more, so a question to every control socket makes sure that all of it is there
that had happened by then.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hops.blocking.admin import AdminError, call_admin
from mini_kube.errors import WaitError
from traces.events import Event, EventError, parse_event, parse_object
from traces.sessions import Session, SessionBook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from hops.cluster_view import ClusterView

__all__ = ["STREAMING", "Trace"]

_PAUSE: Final = 0.005
#: The verbs whose sessions have streams.
STREAMING: Final = frozenset(["exec", "attach", "port-forward"])


class Trace:
    """The trace of one cluster: all that was written, or since it was last cleared."""

    def __init__(self, view: ClusterView) -> None:
        self._view = view
        self._files: dict[Path, _File] = {}
        self._events: list[Event] = []

    def clear(self) -> None:
        """Forget what was seen; only what happens from now on counts."""
        self._settle()
        for path in self._paths():
            self._files.setdefault(path, _File(path)).skip()
        self._events = []

    def events(self) -> list[Event]:
        """All events so far, by time."""
        self._read()
        return self._events

    def sessions(self, **wanted: Any) -> list[Session]:
        """The sessions so far, by time, whose attributes have these values:

            trace.sessions(verb="exec", pod="web", exit_code=0)

        The attributes are those of `traces.sessions.Session`: verb, pod, namespace,
        container, command, client, subprotocol, transport, status, exit_code, faults.
        A set or a callable stands for several values.
        """
        book = SessionBook()
        for event in self.events():
            book.add(event)
        return [each for each in book.all() if _fits(each, wanted)]

    def session(self, *, timeout: float = 5.0, **wanted: Any) -> Session:
        """The only session that fits, once it is over.

        Raises:
            WaitError: there is none within `timeout` seconds, or several, or it is not
                over by then.
        """
        found = self.expect(timeout=timeout, is_open=False, **wanted)
        if len(found) > 1:
            raise WaitError(f"{len(found)} sessions fit:\n{_listed(found)}")
        return found[0]

    def expect(
        self, count: int = 1, *, timeout: float = 5.0, **wanted: Any
    ) -> list[Session]:
        """Wait until at least `count` sessions fit, and answer those that do.

        Raises:
            WaitError: it were fewer within `timeout` seconds; the text lists all.
        """
        return self._await(
            lambda: self.sessions(**wanted),
            count,
            timeout,
            lambda: (
                f"sessions with {_shown(wanted)}; there are:\n"
                f"{_listed(self.sessions())}"
            ),
        )

    def frames(self, *, session: Session | None = None, **wanted: Any) -> list[Event]:
        """The events so far with these values, of all sessions or of one:

            trace.frames(layer="channel", channel=3)
            trace.frames(hop="kubectl-apiserver", layer="websocket", type="close")

        The fields are those of docs/traces.md: hop, dir, layer, type, stream, channel,
        len, trace, fault, process ...
        """
        events = self.events()
        if session is not None:
            events = [each for each in events if each.trace == session.id]
        return [each for each in events if _fits(each, wanted)]

    def expect_frames(
        self, count: int = 1, *, timeout: float = 5.0, **wanted: Any
    ) -> list[Event]:
        """Wait until at least `count` frames fit, and answer those that do.

        Raises:
            WaitError: it were fewer within `timeout` seconds.
        """
        return self._await(
            lambda: self.frames(**wanted),
            count,
            timeout,
            lambda: f"frames with {_shown(wanted)}",
        )

    def picture(self, session: Session, form: str = "text", *, most: int = 0) -> str:
        """The session as a sequence diagram, `text` or `mermaid`.

        `most` limits its rows; a longer one loses its middle.
        """
        from traces.formats import Options, render

        return render(form, [session], Options(most=most)).decode()

    def _await(
        self,
        look: Callable[[], list[Any]],
        count: int,
        timeout: float,
        what: Callable[[], str],
    ) -> list[Any]:
        deadline = time.monotonic() + timeout
        while len(found := look()) < count:
            if time.monotonic() > deadline:
                text = f"{len(found)} of {count} {what()}"
                raise WaitError(text)
            time.sleep(_PAUSE)
        return found

    def _paths(self) -> list[Path]:
        return sorted(self._view.traces.glob("*.jsonl"))

    def _read(self) -> None:
        """Take in what was added to the files."""
        self._settle()
        fresh: list[Event] = []
        for path in self._paths():
            file = self._files.setdefault(path, _File(path))
            fresh.extend(file.read())
        if fresh:
            # One machine: its monotonic clock is the same for all processes.
            merged = sorted([*self._events, *fresh], key=lambda each: each.ts)
            # `seq` is the place among all events, not in one file.
            self._events = [
                each if each.seq == place else replace(each, seq=place)
                for place, each in enumerate(merged)
            ]

    def _settle(self) -> None:
        """Have the services write what they have seen."""
        for socket in self._view.admin_sockets.values():
            # One that is down has nothing more to say.
            with suppress(AdminError):
                call_admin(str(socket), {"cmd": "ping"}, timeout=2.0)


class _File:
    """One process's file, read as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._rest = b""
        self._process = ""
        self._offset = 0.0
        self._seq = 0

    def skip(self) -> None:
        """Go to the end; the header is read nevertheless."""
        with self._path.open("rb") as file:
            if not self._process:
                header = file.readline()
                if not header.endswith(b"\n"):
                    return  # it was made this moment: nothing is in it yet
                self._take_header(header)
            self._position = file.seek(0, 2)
        self._rest = b""

    def read(self) -> Iterator[Event]:
        """The events that were added."""
        with self._path.open("rb") as file:
            file.seek(self._position)
            data = file.read()
        self._position += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not self._process:
                self._take_header(line)
                continue
            with suppress(EventError):
                fields = parse_object(line)
                self._seq += 1
                yield parse_event(
                    fields, process=self._process, offset=self._offset, seq=self._seq
                )

    def _take_header(self, line: bytes) -> None:
        try:
            header = json.loads(line)
            self._offset = float(header["wall"]) - float(header["mono"])
            self._process = str(header["process"])
        except (ValueError, KeyError, TypeError):
            self._process = self._path.stem


def _fits(thing: Any, wanted: dict[str, Any]) -> bool:
    return all(_matches(getattr(thing, name), value) for name, value in wanted.items())


def _matches(actual: Any, wanted: Any) -> bool:
    if callable(wanted):
        return bool(wanted(actual))
    if isinstance(wanted, set | frozenset):
        return actual in wanted
    return bool(actual == (tuple(wanted) if isinstance(wanted, list) else wanted))


def _shown(wanted: dict[str, Any]) -> str:
    return (
        ", ".join(f"{name}={value!r}" for name, value in wanted.items()) or "anything"
    )


def _listed(sessions: Sequence[Session]) -> str:
    lines = [f"  {each.title}: {each.status or 'open'}" for each in sessions]
    return "\n".join(lines) or "  none"
