"""Aligned columns as kubectl prints them.

Cells end with tabs; a column is as wide as its widest cell, plus the padding. Like
liggitt/tabwriter with RememberWidths (which kubectl's tables use) the widths can be
kept, so that the rows of a watch stand under the first ones.

Source: golang/go src/text/tabwriter; kubernetes/cli-runtime
pkg/printers/tabwriter.go: minwidth 6, padding 3, blanks.
"""

from __future__ import annotations

import unicodedata

__all__ = ["TabWriter", "align"]


class TabWriter:
    """Collects lines of tab-ended cells; `flush` gives them aligned."""

    def __init__(
        self, min_width: int = 6, padding: int = 3, *, remember: bool = True
    ) -> None:
        self._min_width = min_width
        self._padding = padding
        self._remember = remember
        self._lines: list[list[str]] = []
        self._widths: list[int] = []

    def line(self, text: str) -> None:
        """Add a line; what stands behind its last tab is in no column."""
        self._lines.append(text.split("\t"))

    def flush(self) -> str:
        """All lines since the last flush, aligned, each with its newline."""
        lines, self._lines = self._lines, []
        out: list[str] = []
        if self._remember:
            self._widen(lines)
            out = [self._row(cells, self._widths) for cells in lines]
        else:
            for block_widths, cells in _with_block_widths(
                lines, self._min_width, self._padding
            ):
                out.append(self._row(cells, block_widths))
        return "".join(out)

    def flush_as_is(self) -> str:
        """All lines since the last flush, as they came."""
        lines, self._lines = self._lines, []
        return "".join("\t".join(cells) + "\n" for cells in lines)

    def _widen(self, lines: list[list[str]]) -> None:
        for cells in lines:
            for index, cell in enumerate(cells[:-1]):
                if index == len(self._widths):
                    self._widths.append(0)
                needed = max(self._min_width, width_of(cell) + self._padding)
                self._widths[index] = max(self._widths[index], needed)

    def _row(self, cells: list[str], widths: list[int]) -> str:
        padded = [
            cell + " " * (widths[index] - width_of(cell))
            for index, cell in enumerate(cells[:-1])
        ]
        return "".join(padded) + cells[-1] + "\n"


def _with_block_widths(
    lines: list[list[str]], min_width: int, padding: int
) -> list[tuple[list[int], list[str]]]:
    """Each line with its column widths.

    A column is a block of neighbouring lines that have a tab-ended cell there; its
    width is that of the block only. An empty column takes no room (as with
    tabwriter.DiscardEmptyColumns off, it has at least the minimum width).
    """
    widths: list[list[int]] = [[0] * (len(cells) - 1) for cells in lines]
    columns = max((len(cells) - 1 for cells in lines), default=0)
    for column in range(columns):
        start = 0
        while start < len(lines):
            if len(lines[start]) - 1 <= column:
                start += 1
                continue
            end = start
            while end < len(lines) and len(lines[end]) - 1 > column:
                end += 1
            widest = max(width_of(lines[i][column]) for i in range(start, end))
            width = max(min_width, widest + padding)
            for i in range(start, end):
                widths[i][column] = width
            start = end
    return list(zip(widths, lines, strict=True))


def width_of(text: str) -> int:
    """Cells a text takes, as Go counts: its characters."""
    if text.isascii():
        return len(text)
    return sum(1 for letter in text if unicodedata.category(letter) != "Cc")


def align(lines: list[str], *, min_width: int = 6, padding: int = 3) -> str:
    """Some lines, aligned at once."""
    writer = TabWriter(min_width, padding)
    for line in lines:
        writer.line(line)
    return writer.flush()
