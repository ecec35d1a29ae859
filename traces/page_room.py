"""How much of a session a page holds: a browser cannot take hundreds of megabytes.

The first frames are whole; when there is no room left, of each frame only its begin is
kept, and the page says of how many bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from traces.events import JsonObject

__all__ = ["fit"]

#: Characters of base64 in all, and those that each frame keeps in any case (a multiple
#: of four). Characters that the terminal plays.
_ROOM: Final = 16 << 20
_EACH: Final = 1024
_TERMINAL: Final = 8 << 20


def fit(
    picture: JsonObject, *, room: int = _ROOM, terminal_room: int = _TERMINAL
) -> JsonObject:
    """The picture (see `traces.picture`), changed so that a page can hold it."""
    for row in picture["rows"]:
        data = row.get("b", "")
        if len(data) > max(room, _EACH):
            row["b"] = data[:_EACH]
        room -= len(row.get("b", ""))
    if picture["terminal"] is not None:
        picture["terminal"]["moments"] = _begin(
            picture["terminal"]["moments"], terminal_room
        )
    return picture


def _begin(moments: list[list[Any]], room: int) -> list[list[Any]]:
    """As many as there is room for, and how much more there was."""
    for index, (time, _, text) in enumerate(moments):
        room -= len(text)
        if room < 0:
            missing = sum(len(more) for _, _, more in moments[index:])
            said = f"\r\n[{missing} characters more are not in this page]\r\n"
            return [*moments[:index], [time, "o", said]]
    return moments
