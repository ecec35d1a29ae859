"""What may name an image.

Source: distribution/reference regexp.go: [domain/]path[:tag][@digest].
"""

from __future__ import annotations

import re

__all__ = ["is_image_name"]

_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_WHOLE = rf"(?:{_HOST}/)?{_NAME}(?:/{_NAME})*(?::{_TAG})?(?:@{_DIGEST})?\Z"


def is_image_name(text: str) -> bool:
    """Whether `text` has the form of an image reference."""
    return re.match(_WHOLE, text) is not None
