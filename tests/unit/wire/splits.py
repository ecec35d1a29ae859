"""Feeding a core in pieces: any split of the input must give the same events."""

import itertools
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st


def pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """`data` cut at the given places."""
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


def cut_lists(limit: int = 2000) -> Any:
    """Places to cut at."""
    return st.lists(st.integers(0, limit), max_size=8)
