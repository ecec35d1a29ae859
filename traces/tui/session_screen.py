"""One session: request, frames, terminal, timing, and why it waited or failed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Input, Static, TabbedContent, TabPane

from traces.explain.engine import explain
from traces.lines import target
from traces.live.pace import Pace
from traces.printable import plain
from traces.tui.filter_bar import FilterBar
from traces.tui.frames_pane import FramesPane
from traces.tui.panes import reasons_text, request_text, timing_text
from traces.tui.terminal_pane import TerminalPane

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from traces.facts import SessionFacts

__all__ = ["SessionScreen"]

_TABS = ("request", "frames", "terminal", "timing", "why")


class SessionScreen(Screen[None]):
    """`1` to `5` choose a tab, `q` goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("q,escape", "app.pop_screen", "Back"),
        *((str(n), f"tab('{name}')", name.title()) for n, name in enumerate(_TABS, 1)),
        ("slash", "filter", "Filter"),
        ("a", "everything", "All"),
        ("space", "play", "Play"),
        Binding("g", "end(True)", "First", show=False),
        Binding("G", "end(False)", "Last", show=False),
    ]

    def __init__(self, facts: SessionFacts) -> None:
        super().__init__()
        self._facts = facts
        self._stale = False
        self._pace = Pace()
        self._frames = FramesPane(facts.session)
        self._terminal = TerminalPane(facts.session)

    def compose(self) -> ComposeResult:
        """Title, tabs, filter, keys."""
        yield Static(self._title(), id="title", markup=False)
        with TabbedContent(initial="frames"):
            with TabPane("Request", id="request"), VerticalScroll(classes="text"):
                yield Static(id="request-text", markup=False)
            with TabPane("Frames", id="frames"):
                yield self._frames
            with TabPane("Terminal", id="terminal"):
                yield self._terminal
            with TabPane("Timing", id="timing"), VerticalScroll(classes="text"):
                yield Static(id="timing-text", markup=False)
            with TabPane("Why", id="why"), VerticalScroll(classes="text"):
                yield Static(id="why-text", markup=False)
        yield FilterBar()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show what is known."""
        self._fill()
        self._frames.focus_table()

    def show_changes(self, changed: set[str]) -> None:
        """Some session got events; a wait is told while nothing comes."""
        self._stale = self._stale or self._facts.session.id in changed
        if not self._pace.ready:
            return
        with self._pace.run():
            if self._stale:
                self._stale = False
                self._frames.refresh_rows()
                self._terminal.refresh_output()
                self._fill()
            elif self._facts.session.is_open:
                self._fill_reasons()

    def _fill(self) -> None:
        session = self._facts.session
        self.query_one("#title", Static).update(self._title())
        self.query_one("#request-text", Static).update(request_text(self._facts))
        self.query_one("#timing-text", Static).update(timing_text(session))
        self._fill_reasons()

    def _fill_reasons(self) -> None:
        session = self._facts.session
        now = time.monotonic() if session.is_open and self._is_live() else None
        reasons = explain(session.events, now)
        text = reasons_text(reasons, session.started)
        self.query_one("#why-text", Static).update(text)
        tabs = self.query_one(TabbedContent)
        tabs.get_tab("why").label = f"Why ({len(reasons)})" if reasons else "Why"

    def _is_live(self) -> bool:
        return bool(getattr(self.app, "is_live", False))

    def _title(self) -> Text:
        session = self._facts.session
        command = " ".join(session.command)
        words = (session.verb, target(self._facts), command and f"-- {command}")
        title = Text(plain(" ".join(filter(None, words))), style="bold")
        title.append(plain(f"  {session.status}"), style="not bold reverse")
        title.truncate(200)
        return title

    def action_tab(self, name: str) -> None:
        """Choose a tab, and let the keys act on what is in it."""
        # A tab that holds the focus would come back at once.
        self.set_focus(None)
        self.query_one(TabbedContent).active = name
        if name == "frames":
            self._frames.focus_table()
        else:
            self.query_one(f"#{name} VerticalScroll").focus()

    def action_filter(self) -> None:
        """Filter the frames."""
        self.action_tab("frames")
        self.query_one(FilterBar).open()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The filter was changed by a key."""
        bar = self.query_one(FilterBar)
        wanted = bar.wanted()
        if event.input is bar and wanted is not None:
            self._frames.show_only(wanted)

    def action_everything(self) -> None:
        """Also frames that only keep the machinery going."""
        self._frames.toggle_everything()

    def action_end(self, first: bool) -> None:
        """To the first or the last frame."""
        self._frames.move_to_end(first=first)

    def action_play(self) -> None:
        """Play what the terminal showed, from its beginning."""
        self.action_tab("terminal")
        self._terminal.play()
