"""Recorded bytes: tests/vectors/{spdy,websocket}, each with its origin."""

import json
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parents[3] / "vectors"


@dataclass(frozen=True)
class Vector:
    """One recorded conversation, its bytes in the order in which they were seen."""

    name: str
    subprotocol: str
    request: str
    entries: tuple[tuple[str, bytes], ...]

    def of(self, side):
        return [data for who, data in self.entries if who == side]

    def __str__(self):
        return self.name


def load(pattern="*", carrier="spdy"):
    found = sorted(_FOLDER.glob(f"{carrier}/{pattern}.json"))
    assert found, f"no vector {pattern} of {carrier}"
    return [_load(path) for path in found]


def _load(path):
    document = json.loads(path.read_text())
    assert document["who"]
    assert document["what"]
    assert document["version"] in path.name
    entries = tuple((side, bytes.fromhex(text)) for side, text in document["bytes"])
    return Vector(path.stem, document["subprotocol"], document["request"], entries)
