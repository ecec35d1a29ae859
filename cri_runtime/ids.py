"""Identities of sandboxes and containers: 64 hexadecimal digits, of which a prefix will do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from cri_runtime.errors import CriError, not_found

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["find", "matches", "new_id"]

_T = TypeVar("_T")


def new_id() -> str:
    """32 random bytes in lower-case hex, as containerd and docker name things."""
    return os.urandom(32).hex()


def matches(wanted: str, identities: Iterable[str]) -> list[str]:
    """The identities that start with `wanted`; an exact one stands alone."""
    found = [identity for identity in identities if identity.startswith(wanted)]
    return [wanted] if wanted in found else found


def find(wanted: str, things: Mapping[str, _T]) -> _T:
    """The one thing that `wanted` means.

    Raises:
        CriError: NotFound when there is none, Unknown when there are several.
    """
    if wanted in things:
        return things[wanted]
    found = matches(wanted, things) if wanted else []
    if not found:
        raise not_found("not found")
    if len(found) > 1:
        raise CriError(f"prefix '{wanted}' is not unique: multiple IDs found")
    return things[found[0]]
