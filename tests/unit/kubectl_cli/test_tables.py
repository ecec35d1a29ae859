"""Tables and aligned columns."""

from __future__ import annotations

from typing import Any

from kubectl_cli.printers.table import TableOptions, TablePrinter
from kubectl_cli.printers.tabwriter import TabWriter, align

COLUMNS = [
    {"name": "Name", "priority": 0},
    {"name": "Ready", "priority": 0},
    {"name": "IP", "priority": 1},
]


def table(
    *rows: tuple[str, str, Any], labels: dict[str, str] | None = None
) -> dict[str, Any]:
    metadata = {"namespace": "ns", "labels": labels or {}}
    return {
        "columnDefinitions": COLUMNS,
        "rows": [
            {"cells": list(row), "object": {"metadata": metadata}} for row in rows
        ],
    }


def test_columns_are_padded_and_the_last_is_not() -> None:
    assert align(["A\tBB", "longer\tx"]) == "A        BB\nlonger   x\n"


def test_a_column_has_at_least_six_cells() -> None:
    assert align(["a\tb"]) == "a     b\n"


def test_widths_are_kept_between_flushes() -> None:
    writer = TabWriter()
    writer.line("a-long-name\tx")
    writer.flush()
    writer.line("b\ty")

    assert writer.flush() == "b             y\n"


def test_blocks_of_lines_have_their_own_widths_in_descriptions() -> None:
    writer = TabWriter(0, 2, remember=False)
    for line in ("Name:\tx", "List:", "  a:\t1", "  bbb:\t2"):
        writer.line(line)

    assert writer.flush() == "Name:  x\nList:\n  a:    1\n  bbb:  2\n"


def test_wide_columns_are_hidden_unless_asked_for() -> None:
    plain = TablePrinter(TableOptions()).render(table(("p", "1/1", "10.0.0.1")))
    wide = TablePrinter(TableOptions(wide=True)).render(table(("p", "1/1", "10.0.0.1")))

    assert plain == "NAME   READY\np      1/1\n"
    assert wide == "NAME   READY   IP\np      1/1     10.0.0.1\n"


def test_headers_come_once_and_widths_stay() -> None:
    printer = TablePrinter(TableOptions())
    printer.render(table(("a-long-name", "1/1", "")))

    assert printer.render(table(("b", "0/1", ""))) == "b             0/1\n"


def test_namespace_kind_and_labels_frame_the_cells() -> None:
    options = TableOptions(
        with_namespace=True,
        with_kind="pod",
        show_labels=True,
        label_columns=("app", "x.io/none"),
    )

    text = TablePrinter(options).render(table(("p", "1/1", ""), labels={"app": "web"}))

    assert text == (
        "NAMESPACE   NAME    READY   APP   NONE   LABELS\n"
        "ns          pod/p   1/1     web          app=web\n"
    )


def test_a_cell_is_one_line_and_escapes_are_shown() -> None:
    printer = TablePrinter(TableOptions(no_headers=True))

    text = printer.render(table(("two\nlines", "\x1b[31mred", "")))

    assert text == "two...   ^[[31mred\n"


def test_numbers_and_nothing_are_printed_as_go_does() -> None:
    printer = TablePrinter(TableOptions(no_headers=True, wide=True))

    assert printer.render(table(("p", 3, None))) == "p     3     <nil>\n"  # type: ignore[arg-type]
