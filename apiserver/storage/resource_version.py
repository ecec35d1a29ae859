"""resourceVersion as a parameter: unset, ``0`` or a revision.

Source: kubernetes/apiserver pkg/storage/api_object_versioner.go.
"""

from __future__ import annotations

from apimachinery.field_errors import Path, invalid
from apimachinery.go_text import quote
from apimachinery.status import bad_request

__all__ = ["parse_resource_version"]


def parse_resource_version(text: str) -> int | None:
    """The revision; None when unset, 0 for "any".

    Raises:
        StatusError: 400, it is not a number. Unlike upstream, which answers 500 to a
            list: the request is what is wrong.
    """
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        why = f"strconv.ParseUint: parsing {quote(text)}: invalid syntax"
        raise bad_request(str(invalid(Path().child("resourceVersion"), text, why)))
    return int(text)
