"""Watch events out of a body: one JSON object a line, in chunks of any size.

Source: kubernetes/apimachinery pkg/watch and pkg/util/framer (JSON frames).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wire.errors import RemoteProtocolError

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["WatchDecoder", "WatchEvent"]


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """ADDED, MODIFIED, DELETED, BOOKMARK or ERROR, and what it is about."""

    type: str
    object: JsonObject


class WatchDecoder:
    """Feed it the body; it gives back the events that are complete."""

    def __init__(self) -> None:
        self._pending = b""

    def receive_data(self, data: bytes) -> list[WatchEvent]:
        """The events that end in this chunk.

        Raises:
            RemoteProtocolError: a line is no watch event.
        """
        *lines, self._pending = (self._pending + data).split(b"\n")
        return [_parse(line) for line in lines if line.strip()]


def _parse(line: bytes) -> WatchEvent:
    try:
        event = json.loads(line)
        return WatchEvent(event["type"], event["object"])
    except (ValueError, KeyError, TypeError) as err:
        raise RemoteProtocolError(f"watch: unexpected line {line[:80]!r}") from err
