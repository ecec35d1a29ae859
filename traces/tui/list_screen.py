"""The list of sessions, a row each, kept up to date while it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Input, Static

from traces.filter import parse_filter
from traces.lines import clock, duration, short_id, size, target
from traces.printable import plain
from traces.tui.filter_bar import FilterBar
from traces.tui.session_screen import SessionScreen

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from traces.facts import SessionFacts
    from traces.live.book import LiveBook

__all__ = ["ListScreen"]

#: Title and width; eighty columns hold those up to TIME.
_COLUMNS = (
    ("STARTED", 8),
    ("VERB", 9),
    ("TARGET", 22),
    ("STATUS", 14),
    ("DOWN", 6),
    ("TIME", 6),
    ("UP", 6),
    ("CLIENT", 22),
    ("SESSION", 18),
    ("FAULTS", 20),
)
_COLORS = {"running": "yellow", "exit 0": "green", "closed": "green"}


class ListScreen(Screen[None]):
    """Enter opens a session."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("enter", "open", "Open"),
        ("slash", "filter", "Filter"),
        ("f", "follow", "Newest"),
        ("g", "first", "First"),
        ("G", "last", "Last"),
        ("q,escape", "app.quit", "Quit"),
    ]

    def __init__(self, book: LiveBook, filter_text: str) -> None:
        super().__init__()
        self._book = book
        self._filter_text = filter_text
        self._wanted = parse_filter(filter_text)
        self._rows: set[str] = set()
        self._following = True

    def compose(self) -> ComposeResult:
        """Table, a line for news, the filter, the keys."""
        table: DataTable[Text] = DataTable(
            cursor_type="row", zebra_stripes=True, cell_padding=1
        )
        for title, width in _COLUMNS:
            table.add_column(title, key=title, width=width)
        yield table
        yield Static("", id="note", markup=False)
        yield FilterBar(self._filter_text)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show what is known already."""
        self._table.focus()
        self._fill()

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one(DataTable)

    def note(self, text: str) -> None:
        """One line of news about the services."""
        if self.is_mounted:
            self.query_one("#note", Static).update(plain(text))

    def show_changes(self, changed: set[str]) -> None:
        """Sessions got events."""
        for id_ in changed:
            facts = self._book.get(id_)
            if facts is None or not self._wanted.matches(facts.values()):
                self._remove(id_)
            else:
                self._show(facts)
        for id_ in [id_ for id_ in self._rows if self._book.get(id_) is None]:
            self._remove(id_)
        if self._following and changed and self._table.row_count:
            self._table.move_cursor(row=self._table.row_count - 1)

    def _fill(self) -> None:
        self._table.clear()
        self._rows.clear()
        for facts in self._book.sessions(self._wanted):
            self._show(facts)
        if self._following and self._rows:
            self._table.move_cursor(row=len(self._rows) - 1)

    def _show(self, facts: SessionFacts) -> None:
        id_, cells = facts.session.id, _cells(facts)
        if id_ not in self._rows:
            self._rows.add(id_)
            self._table.add_row(*cells, key=id_)
            return
        for (title, _), cell in zip(_COLUMNS, cells, strict=True):
            self._table.update_cell(id_, title, cell)

    def _remove(self, id_: str) -> None:
        if id_ in self._rows:
            self._rows.discard(id_)
            self._table.remove_row(id_)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Enter, or a click."""
        facts = self._book.get(str(event.row_key.value))
        if facts is not None:
            self.app.push_screen(SessionScreen(facts))

    def action_open(self) -> None:
        """The table has its own Enter; this names it in the footer."""
        self._table.action_select_cursor()

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterBar).open()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The filter was changed by a key."""
        bar = self.query_one(FilterBar)
        wanted = bar.wanted()
        if event.input is bar and wanted is not None:
            self._wanted = wanted
            self._fill()

    def action_follow(self) -> None:
        """Stay with the newest, or do not."""
        self._following = not self._following
        self.note("staying with the newest" if self._following else "staying here")

    def action_first(self) -> None:
        """To the oldest."""
        self._following = False
        self._table.move_cursor(row=0)

    def action_last(self) -> None:
        """To the newest."""
        self._table.move_cursor(row=self._table.row_count - 1)

    def on_key(self) -> None:
        """Who moves wants to stay where he is."""
        at_end = self._table.cursor_row >= self._table.row_count - 1
        self._following = self._following and at_end


def _cells(facts: SessionFacts) -> list[Text]:
    session = facts.session
    status = session.status or "-"
    color = _COLORS.get(status) or ("green" if status.startswith("2") else "red")
    return [
        Text(clock(session.started)),
        Text(plain(session.verb or "-")),
        Text(plain(target(facts)), overflow="ellipsis"),
        Text(plain(status), style=color, overflow="ellipsis"),
        Text(size(facts.down), justify="right"),
        Text(duration(session.duration), justify="right"),
        Text(size(facts.up), justify="right"),
        Text(plain(session.client or "-")),
        Text(plain(short_id(session.id)), overflow="ellipsis"),
        Text(plain(", ".join(session.faults)), style="bold red"),
    ]
