"""Server tables as columns.

Source: kubernetes/cli-runtime pkg/printers/tableprinter.go,
kubernetes/kubectl pkg/cmd/get/get.go (headers, kinds, namespaces).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kubectl_cli.printers.tabwriter import TabWriter

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["TableOptions", "TablePrinter"]


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What the flags ask of a table."""

    wide: bool = False
    no_headers: bool = False
    show_labels: bool = False
    with_namespace: bool = False
    with_kind: str = ""
    label_columns: tuple[str, ...] = field(default_factory=tuple)


class TablePrinter:
    """Prints tables one after the other; headers once, widths kept."""

    def __init__(self, options: TableOptions) -> None:
        self.options = options
        self._writer = TabWriter()
        self._columns: list[JsonObject] = []
        self._headed = False

    def render(self, table: JsonObject, event: str = "") -> str:
        """The lines for a Table; `event` is a first column for --output-watch-events."""
        self.add(table, event)
        return self.flush()

    def flush(self) -> str:
        """The lines that were added since the last flush, aligned with each other."""
        return self._writer.flush()

    def add(self, table: JsonObject, event: str = "") -> None:
        """Keep the lines for a Table."""
        # "in a watch only the first object has the columns"
        self._columns = table.get("columnDefinitions") or self._columns
        shown = [
            index
            for index, column in enumerate(self._columns)
            if self.options.wide or not column.get("priority")
        ]
        rows = table.get("rows") or []
        if rows and not self._headed and not self.options.no_headers:
            self._writer.line("\t".join(self._headers(shown, event)))
        self._headed = self._headed or bool(rows)
        for row in rows:
            self._writer.line("\t".join(self._cells(row, shown, event)))

    def _headers(self, shown: list[int], event: str) -> list[str]:
        headers = [self._columns[index]["name"].upper() for index in shown]
        columns = self.options.label_columns
        headers += [label.rpartition("/")[2].upper() for label in columns]
        if self.options.show_labels:
            headers.append("LABELS")
        if self.options.with_namespace:
            headers.insert(0, "NAMESPACE")
        if event:
            headers.insert(0, "EVENT")
        return headers

    def _cells(self, row: JsonObject, shown: list[int], event: str) -> list[str]:
        values = row.get("cells") or []
        cells = [_cell(values[index]) for index in shown if index < len(values)]
        metadata = (row.get("object") or {}).get("metadata") or {}
        if self.options.with_kind and cells:
            cells[0] = f"{self.options.with_kind}/{cells[0]}"
        labels: dict[str, str] = metadata.get("labels") or {}
        cells += [labels.get(label) or "" for label in self.options.label_columns]
        if self.options.show_labels:
            listed = ",".join(f"{key}={labels[key]}" for key in sorted(labels))
            cells.append(listed or "<none>")
        if self.options.with_namespace:
            cells.insert(0, metadata.get("namespace") or "")
        if event:
            cells.insert(0, event.ljust(10))
        return cells


def _cell(value: Any) -> str:
    """A cell is one line: what follows a line break is left out, with a mark."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case str():
            text = value
        case float():
            return f"{value:g}"
        case list() | dict():
            return str(value)
        case _:
            return str(value)
    for index, letter in enumerate(text):
        if letter in "\f\n\r":
            # Source: tableprinter.go cuts at the first line break
            return _escape(text[:index]) + "..."
    return _escape(text)


def _escape(text: str) -> str:
    """Terminal escapes are shown, not obeyed (cli-runtime terminal.go)."""
    return text.replace("\x1b", "^[").replace("\r", "\\r") if "\x1b" in text else text
