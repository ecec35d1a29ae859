"""The frames of a session, and the one under the cursor in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.containers import Vertical, VerticalScroll
from textual.widgets import DataTable, Static

from traces.facts import facts_of_event
from traces.filter import parse_filter
from traces.labels import label_of
from traces.rows import Row, rows_of
from traces.tui.panes import row_text

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from traces.filter import Filter
    from traces.sessions import Session

__all__ = ["FramesPane"]

_MOST = 2000  # rows; of longer sessions the middle is left out
_STYLES = {
    "http": "cyan",
    "grpc": "magenta",
    "stdin": "yellow",
    "stdout": "green",
    "stderr": "red",
    "status": "bold blue",
    "fault": "bold red",
    "control": "dim",
    "conn": "dim",
    "process": "bold",
}


class FramesPane(Vertical):
    """A table above, the chosen frame below."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._wanted = parse_filter("")
        self._everything = False
        self._rows: list[Row] = []

    def compose(self) -> ComposeResult:
        """The two halves."""
        table: DataTable[Text] = DataTable(cursor_type="row", cell_padding=1)
        table.add_column("MS", width=9)
        table.add_column("FROM → TO", width=20)
        table.add_column("FRAME", width=120)
        yield table
        with VerticalScroll(id="detail"):
            yield Static(id="frame-text", markup=False)

    def on_mount(self) -> None:
        """Show what is known."""
        self.refresh_rows()

    def focus_table(self) -> None:
        """Let the keys move the cursor."""
        self.query_one(DataTable).focus()

    def move_to_end(self, *, first: bool) -> None:
        """To the oldest frame, or to the newest."""
        table = self.query_one(DataTable)
        table.move_cursor(row=0 if first else table.row_count - 1)

    def show_only(self, wanted: Filter) -> None:
        """Frames of which an event passes the filter."""
        self._wanted = wanted
        self.refresh_rows()

    def toggle_everything(self) -> None:
        """Show quiet frames, or do not."""
        self._everything = not self._everything
        self.refresh_rows()

    def refresh_rows(self) -> None:
        """Read the session again; the cursor stays on its frame."""
        table = self.query_one(DataTable)
        before, place = self._rows, table.cursor_row
        self._rows = self._chosen()
        known = [row.first.seq for row in before]
        fresh = [row.first.seq for row in self._rows]
        if fresh[: len(known)] != known or not known:
            table.clear()
            known = []
        for row in self._rows[len(known) :]:
            table.add_row(*_cells(row, self._session.started))
        if place < len(self._rows):
            table.move_cursor(row=place)
        self._show_detail(table.cursor_row)

    def _chosen(self) -> list[Row]:
        rows = [
            row
            for row in rows_of(self._session, everything=self._everything)
            if any(self._wanted.matches(facts_of_event(event)) for event in row.events)
        ]
        left_out = len(rows) - _MOST
        if left_out > 0:
            rows = rows[: _MOST // 2] + rows[-_MOST // 2 :]
        note = f"{left_out} frames in the middle are left out" if left_out > 0 else ""
        self.query_one("#detail").border_title = note
        return rows

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """The cursor moved."""
        self._show_detail(event.cursor_row)

    def _show_detail(self, index: int) -> None:
        text = Text("")
        if 0 <= index < len(self._rows):
            text = row_text(self._rows[index])
        self.query_one("#frame-text", Static).update(text)


def _cells(row: Row, start: float) -> list[Text]:
    label = label_of(row)
    style = _STYLES.get(label.kind, "")
    way = row.start if row.start == row.end else f"{row.start} → {row.end}"
    words = Text(label.text, style=style)
    if label.detail:
        words.append(f"  {label.detail}", style="dim")
    return [Text(f"{(row.wall - start) * 1000:9.2f}"), Text(way), words]
