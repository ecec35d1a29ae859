"""Pages of a list from memory: filter, cut, and say where to go on.

Source: kubernetes/apiserver pkg/storage/etcd3/store.go (GetList), pkg/storage/errors.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apiserver.storage.continue_token import ContinueToken

if TYPE_CHECKING:
    from apiserver.storage.watch_cache import CachedObject, Predicate

__all__ = ["EXPIRED_CONTINUE", "EXPIRED_LIST", "CachedList", "cut"]

EXPIRED_LIST = "The resourceVersion for the provided list is too old."
EXPIRED_CONTINUE = (
    "The provided continue parameter is too old to display a consistent list result."
    " You can start a new list without the continue parameter, or use the continue"
    " token in this response to retrieve the remainder of the results. Continuing with"
    " the provided token results in an inconsistent list - objects that were created,"
    " modified, or deleted between the time the first chunk was returned and now may"
    " show up in the list."
)


@dataclass(frozen=True, slots=True)
class CachedList:
    """A page; ``remaining`` is None where Kubernetes does not tell it."""

    items: list[CachedObject]
    revision: int
    continue_token: str = ""
    remaining: int | None = None


def cut(
    items: list[CachedObject],
    prefix: str,
    revision: int,
    predicate: Predicate | None,
    limit: int,
) -> CachedList:
    """Filter and page; what is left is counted only when nothing was filtered."""
    if not limit:
        found = (
            items if predicate is None else [i for i in items if predicate(i.object)]
        )
        return CachedList(found, revision)
    found = []
    for position, item in enumerate(items):
        if predicate is not None and not predicate(item.object):
            continue
        if len(found) == limit:
            start = found[-1].key[len(prefix) :] + "\0"
            left = len(items) - position if predicate is None else None
            return CachedList(
                found, revision, ContinueToken(revision, start).encode(), left
            )
        found.append(item)
    return CachedList(found, revision)
