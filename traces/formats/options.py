"""What may be asked of a format; each takes from it what concerns it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """How to draw.

    Args:
        color: with the colours of a terminal (text).
        width: columns; 0 for no limit (text).
        everything: also frames that only keep the machinery going.
        fold: one arrow for a message that is passed on from hop to hop.
        most: rows at most; a longer picture loses its middle, and says so. 0: all.
        notes: what is to be said of events, by their `seq` (text, html).
    """

    color: bool = False
    width: int = 0
    everything: bool = False
    fold: bool = False
    most: int = 0
    notes: Mapping[int, Sequence[str]] = field(default_factory=dict)
