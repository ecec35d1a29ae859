"""What was tried with which peer, as tables: a row a scenario, a column a peer."""

from __future__ import annotations

__all__ = ["Scoreboard"]

#: The fixture whose parameter is the column, and the title of its table.
_COLUMNS = {"kubectl": "real kubectls", "client": "client libraries"}
_MARKS = {"passed": "ok", "failed": "FAIL", "skipped": "skip"}
_NOT_TRIED = "-"


class Scoreboard:
    """Gathers outcomes of parametrised tests."""

    def __init__(self):
        self._cells = {fixture: {} for fixture in _COLUMNS}
        self._reasons = {}

    def add(self, item, report):
        """Take notice of one phase of one test."""
        callspec = getattr(item, "callspec", None)
        for fixture in _COLUMNS:
            if callspec is None or fixture not in callspec.params:
                continue
            if report.when == "call" or report.outcome != "passed":
                self._record(fixture, item, callspec, report)

    def tables(self):
        """Title and lines of every table that is not empty."""
        for fixture, title in _COLUMNS.items():
            if rows := self._cells[fixture]:
                yield title, [*_table(rows), *sorted(self._reasons.get(fixture, ()))]

    def _record(self, fixture, item, callspec, report):
        column = str(callspec.params[fixture])
        others = callspec.params.items()
        rest = [str(value) for argument, value in others if argument != fixture]
        name = item.originalname.removeprefix("test_").replace("_", " ")
        row = ", ".join([name, *rest])
        self._cells[fixture].setdefault(row, {})[column] = _MARKS[report.outcome]
        if report.skipped:
            reason = report.longrepr[2].removeprefix("Skipped: ")
            self._reasons.setdefault(fixture, set()).add(f"skip: {reason}")


def _table(rows):
    columns = sorted({column for cells in rows.values() for column in cells})
    width = max(map(len, rows))
    widths = [max(4, len(column)) for column in columns]
    yield _line("", width, columns, widths)
    for name, cells in rows.items():
        marks = [cells.get(column, _NOT_TRIED) for column in columns]
        yield _line(name, width, marks, widths)


def _line(name, width, cells, widths):
    padded = (cell.ljust(size) for cell, size in zip(cells, widths, strict=True))
    return f"{name.ljust(width)}  {'  '.join(padded)}".rstrip()
