"""What the user of a session saw: its output through a terminal, again in time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pyte
from rich.text import Text
from textual.containers import VerticalScroll
from textual.widgets import Static

from traces.vantage import one_vantage

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.timer import Timer

    from traces.events import Event
    from traces.sessions import Session

__all__ = ["TerminalPane", "output_of"]

_SIZE: Final = (80, 24)
_LARGEST: Final = 500
_LONGEST_PAUSE: Final = 2.0  # seconds; longer ones are played as so long
_TURN: Final = 0.05


class TerminalPane(VerticalScroll, can_focus=True):
    """Shows the last screen; `play` shows how it came to be."""

    def __init__(self, session: Session) -> None:
        super().__init__(classes="text")
        self._session = session
        self._timer: Timer | None = None
        self._begun = 0.0
        self._steps: list[tuple[float, Event]] = []
        self._at = 0
        self._screen = _new_screen()

    def compose(self) -> ComposeResult:
        """The screen."""
        yield Static(id="terminal-text", markup=False)

    def on_mount(self) -> None:
        """Show what is known."""
        self.refresh_output()

    def refresh_output(self) -> None:
        """All that there is, unless it is being played."""
        if self._timer is None:
            self._restart()
            self._feed(len(self._steps))
            self._draw()

    def play(self) -> None:
        """From the beginning, in real time; again: stop."""
        if self._timer is not None:
            self._stop()
            self.refresh_output()
            return
        self._restart()
        self._begun = time.monotonic()
        self._timer = self.set_interval(_TURN, self._turn)
        self._draw()

    def _restart(self) -> None:
        self._screen, self._at = _new_screen(), 0
        self._steps = _steps(output_of(self._session))

    def _turn(self) -> None:
        elapsed = time.monotonic() - self._begun
        until = self._at
        while until < len(self._steps) and self._steps[until][0] <= elapsed:
            until += 1
        self._feed(until)
        if self._at == len(self._steps):
            self._stop()
        self._draw()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _feed(self, until: int) -> None:
        screen, stream = self._screen
        for _, event in self._steps[self._at : until]:
            if event.type == "resize":
                screen.resize(_side(event, "height", 24), _side(event, "width", 80))
            else:
                stream.feed(event.payload or b"")
        self._at = until

    def _draw(self) -> None:
        screen = self._screen[0]
        text = Text("\n".join(line.rstrip() for line in screen.display).rstrip())
        if not self._steps:
            text = Text("The process has written nothing.", style="dim")
        elif any(event.is_cut for _, event in self._steps if event.len):
            text.append(
                "\n\n(not all bytes were kept: mini-kube trace on --bytes all)",
                style="dim",
            )
        if self._timer is not None:
            text.append(f"\n▶ {self._at}/{len(self._steps)}", style="bold")
        self.query_one("#terminal-text", Static).update(text)


def output_of(session: Session) -> list[Event]:
    """Output and sizes, at the process if it was seen there, else at the client."""
    events = one_vantage(session.events)
    at_process = [
        event
        for event in events
        if event.layer == "process" and event.type in ("stdout", "stderr", "resize")
    ]
    if at_process:
        return at_process
    outer = next((hop for hop in session.hops if hop != "kubelet-cri"), "")
    return [
        event
        for event in events
        if event.hop == outer
        and (
            (event.layer == "channel" and event.type in ("stdout", "stderr"))
            or (
                event.layer == "spdy" and event.info.get("name") in ("stdout", "stderr")
            )
            or (event.layer, event.type) == ("remotecommand", "resize")
        )
        and (event.len or event.type == "resize")
    ]


def _steps(events: list[Event]) -> list[tuple[float, Event]]:
    """Each with the seconds after which it is shown."""
    steps, shown_at, last = [], 0.0, None
    for event in events:
        if last is not None:
            shown_at += min(_LONGEST_PAUSE, max(0.0, event.wall - last))
        last = event.wall
        steps.append((shown_at, event))
    return steps


def _new_screen() -> tuple[pyte.Screen, pyte.ByteStream]:
    screen = pyte.Screen(*_SIZE)
    screen.set_mode(pyte.modes.LNM)  # pipes end lines with a line feed alone
    return screen, pyte.ByteStream(screen)


def _side(event: Event, name: str, otherwise: int) -> int:
    value = event.info.get(name)
    return min(value, _LARGEST) if isinstance(value, int) and value > 0 else otherwise
