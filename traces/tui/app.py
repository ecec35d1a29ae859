"""The application: takes what happens from a feed, and keeps what the screens show.

A thread waits for news, since the feed blocks; everything else happens in Textual's loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from textual.app import App

from traces.events import Event
from traces.live.book import LiveBook
from traces.live.plain import news_text
from traces.tui.help_screen import HelpScreen
from traces.tui.list_screen import ListScreen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import BindingType

    from hops.cluster_view import ClusterView
    from traces.live.feed import News

__all__ = ["Feed", "TraceApp", "run_live", "run_over"]

_TURN = 0.5  # seconds until the reading thread looks whether it is to end
_REFRESH = 0.2
#: Of each payload: what most writes to a terminal have; more would be lost at full speed.
_BYTES = 1024


class Feed(Protocol):
    """Where news come from: `traces.live.feed.LiveFeed`, or a test."""

    def read(self, timeout: float | None) -> list[News]:
        """Wait for news."""

    def wake(self) -> None:
        """Let `read` return."""


class TraceApp(App[None]):
    """Sessions, live or of a file.

    Args:
        feed: of live events; None for a trace that is complete.
        filter_text: what is shown at first, in the language of `traces.filter`.
        everything: also sessions of the services among themselves.
    """

    TITLE = "mini-kube trace"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        ("question_mark", "help", "Help"),
        ("ctrl+c", "quit", "Quit"),
    ]
    CSS = """
    DataTable { height: 1fr; }
    #note { height: 1; color: $text-warning; }
    #filter { display: none; }
    #filter.kept { display: block; height: 1; border: none; color: $text-warning; }
    #filter.shown { display: block; height: 3; border: tall $border; color: $text; }
    #detail { height: 40%; border-top: solid $primary; padding: 0 1; }
    #help { padding: 1 2; width: 70; height: auto; max-height: 90%;
            border: round $primary; background: $surface; }
    HelpScreen { align: center middle; }
    #title { height: 1; }
    TabbedContent { height: 1fr; }
    TabPane { padding: 0; }
    .text { padding: 0 1; height: 1fr; }
    """

    def __init__(
        self,
        feed: Feed | None = None,
        *,
        filter_text: str = "",
        everything: bool = False,
        events: Iterable[Event] = (),
    ) -> None:
        super().__init__()
        self.book = LiveBook(background=everything)
        self.book.add(events)
        self.is_live = feed is not None
        self._feed = feed
        self._changed: set[str] = set()
        self._list = ListScreen(self.book, filter_text)

    def on_mount(self) -> None:
        """Show the list, and begin to listen."""
        self.push_screen(self._list)
        if self._feed is not None:
            self.run_worker(self._listen, thread=True, exclusive=True)
            self.set_interval(_REFRESH, self._refresh_screens)

    def action_help(self) -> None:
        """All keys."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())

    def on_unmount(self) -> None:
        """Let the thread see that it is over."""
        if self._feed is not None:
            self._feed.wake()

    def _listen(self) -> None:
        assert self._feed is not None  # noqa: S101 - on_mount has looked
        while self.is_running:
            news = self._feed.read(_TURN)
            if news and self.is_running:
                self.call_from_thread(self.take, news)

    def take(self, news: list[News]) -> None:
        """News arrived: remember them, and show them at the next turn."""
        self._changed |= self.book.add(one for one in news if isinstance(one, Event))
        for one in news:
            if not isinstance(one, Event) and (text := news_text(one)):
                self._list.note(text)

    def _refresh_screens(self) -> None:
        changed, self._changed = self._changed, set()
        for screen in self.screen_stack:
            refresh = getattr(screen, "show_changes", None)
            if refresh is not None:
                refresh(changed)


def run_live(cluster: ClusterView, filter_text: str, *, everything: bool) -> int:
    """The sessions of a running cluster, until the user quits."""
    from traces.live.feed import LiveFeed, sockets_of

    with LiveFeed(sockets_of(cluster), _BYTES) as feed:
        TraceApp(feed, filter_text=filter_text, everything=everything).run()
    return 0


def run_over(events: Iterable[Event], filter_text: str, *, everything: bool) -> int:
    """The sessions of a trace that was read."""
    TraceApp(filter_text=filter_text, everything=everything, events=events).run()
    return 0
