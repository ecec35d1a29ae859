"""What faults do besides the actions of `hops.pipe`."""

from __future__ import annotations

from dataclasses import dataclass

from faults.framing.frame import Frame
from hops.pipe import Action

__all__ = ["Back", "End", "Item"]


@dataclass(frozen=True, slots=True)
class End:
    """Close the connection properly, both directions, after what was delivered."""


@dataclass(frozen=True, slots=True)
class Back:
    """Do this in the other direction."""

    items: tuple[Frame | Action | End, ...]


Item = Frame | Action | End | Back
