"""The rows that are measured, and how they are printed."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Row", "Table"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, with what we aim for; `better` says on which side of the aim.

    `real` is the figure of the real stack: kube-apiserver and kubelet 1.36, containerd,
    runc and etcd, on a machine of two cores.
    """

    name: str
    value: float
    unit: str
    aim: float | None = None
    better: Literal["less", "more"] = "less"
    real: float | None = None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the aim is reached; None without one."""
        if self.aim is None:
            return None
        return (
            self.value <= self.aim if self.better == "less" else self.value >= self.aim
        )

    @property
    def ahead(self) -> float | None:
        """How many times better than the real stack; None where it has no figure."""
        if self.real is None:
            return None
        return (
            self.real / self.value if self.better == "less" else self.value / self.real
        )


@dataclass(slots=True)
class Table:
    """Prints each row as soon as it is known."""

    rows: list[Row] = field(default_factory=list)

    def head(self) -> None:
        self._line("", "value", "aim", "real stack", "")

    def add(self, row: Row) -> None:
        self.rows.append(row)
        sign = {True: "yes", False: "NO", None: ""}[row.reached]
        bound = "<=" if row.better == "less" else ">="
        aim = "" if row.aim is None else f"{bound} {_number(row.aim)} {sign}"
        real = "" if row.real is None else f"{_number(row.real)}, {row.ahead:.1f} x"
        self._line(row.name, f"{_number(row.value)} {row.unit}", aim, real, row.note)

    def _line(self, name: str, value: str, aim: str, real: str, note: str) -> None:
        text = f"{name:<50} {value:>14}   {aim:<14} {real:<14} {note}"
        sys.stdout.write(text.rstrip() + "\n")
        sys.stdout.flush()


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
