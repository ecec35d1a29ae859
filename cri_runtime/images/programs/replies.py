"""What a script replies, as bytes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    JsonObject = dict[str, Any]

__all__ = ["content"]


def content(value: str | JsonObject) -> bytes:
    """The bytes of a text or of `{"base64": ...}`."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    import binascii

    return binascii.a2b_base64(value["base64"])
