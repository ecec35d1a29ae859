"""Prometheus' text format, version 0.0.4.

Source: prometheus.io "Exposition formats".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONTENT_TYPE", "Family"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Family:
    """One metric with its samples."""

    def __init__(self, name: str, kind: str, text: str) -> None:
        self._name = name
        self._head = f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
        self._samples: list[str] = []

    def add(
        self,
        value: float,
        labels: Mapping[str, str] | None = None,
        *,
        milliseconds: int | None = None,
        suffix: str = "",
    ) -> None:
        """A sample, with the time it was taken when that is known."""
        shown = ",".join(f'{k}="{_escape(v)}"' for k, v in (labels or {}).items())
        braces = f"{{{shown}}}" if shown else ""
        stamp = f" {milliseconds}" if milliseconds is not None else ""
        self._samples.append(f"{self._name}{suffix}{braces} {_number(value)}{stamp}\n")

    def __str__(self) -> str:
        """The text; nothing when there are no samples."""
        return self._head + "".join(self._samples) if self._samples else ""


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
