"""What a controller has done and not yet seen: until then it does not count again.

Source: kubernetes/kubernetes pkg/controller/controller_utils.go (UIDTrackingController-
Expectations). Here creations are tracked by uid, too: the server has told it.
"""

from __future__ import annotations

from typing import Final

__all__ = ["Expectations"]

_LIFETIME: Final = 300.0


class Expectations:
    """Creations and deletions of one owner's objects that the watch has yet to tell."""

    def __init__(self) -> None:
        self._created: dict[str, dict[str, float]] = {}
        self._deleted: dict[str, dict[str, float]] = {}

    def expect_created(self, owner: str, uid: str, now: float) -> None:
        self._created.setdefault(owner, {})[uid] = now

    def expect_deleted(self, owner: str, uid: str, now: float) -> None:
        self._deleted.setdefault(owner, {})[uid] = now

    def saw_created(self, owner: str, uid: str) -> None:
        self._forget(self._created, owner, uid)

    def saw_deleted(self, owner: str, uid: str) -> None:
        """Gone, or on its way: the deletion has been seen."""
        self._forget(self._deleted, owner, uid)
        self._forget(self._created, owner, uid)

    def fulfilled(self, owner: str, now: float) -> bool:
        """Whether nothing is outstanding; after five minutes we look again anyway."""
        for table in (self._created, self._deleted):
            pending = table.get(owner, {})
            for uid in [uid for uid, at in pending.items() if now - at > _LIFETIME]:
                del pending[uid]
            if pending:
                return False
        return True

    def drop(self, owner: str) -> None:
        """The owner is gone."""
        self._created.pop(owner, None)
        self._deleted.pop(owner, None)

    def _forget(self, table: dict[str, dict[str, float]], owner: str, uid: str) -> None:
        pending = table.get(owner)
        if pending is not None:
            pending.pop(uid, None)
            if not pending:
                del table[owner]
