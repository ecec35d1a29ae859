"""RevisionLog: a table where every change is a row and the row's id is the revision.

Synchronous and used by one thread only. AUTOINCREMENT keeps the highest id ever used,
so a revision never comes back, not even when the newest rows were compacted away. The
unique index on (name, prev_revision) is the compare-and-swap: two changes cannot both
follow the same one.
Source: k3s-io/kine pkg/drivers/generic/generic.go (the scheme); our own columns.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from apiserver.storage.interface import (
    Compacted,
    Conflict,
    EventType,
    FutureRevision,
    KeyExists,
    ListResult,
    StoredValue,
    StoreEvent,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Change", "Expiry", "RevisionLog", "Synchronous"]

Synchronous: TypeAlias = Literal["NORMAL", "FULL"]
Expiry: TypeAlias = tuple[float, str, int]  # when (Unix seconds), key, revision

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS revisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    create_revision INTEGER NOT NULL,
    prev_revision INTEGER NOT NULL,
    expires_at REAL,
    value BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS revisions_name_prev ON revisions (name, prev_revision);
CREATE INDEX IF NOT EXISTS revisions_name_id ON revisions (name, id);
CREATE INDEX IF NOT EXISTS revisions_prev ON revisions (prev_revision);
CREATE INDEX IF NOT EXISTS revisions_expires ON revisions (expires_at)
    WHERE expires_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL)
    WITHOUT ROWID;
"""

_LATEST: Final = (
    "SELECT id, deleted, create_revision, value FROM revisions"
    " WHERE name = ? ORDER BY id DESC LIMIT 1"
)
_INSERT: Final = (
    "INSERT INTO revisions"
    " (name, deleted, create_revision, prev_revision, expires_at, value)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
# create_revision of a new key is its own id, which is known after the insert only: 0.
_COLUMNS: Final = (
    "r.name, r.value, r.id, iif(r.create_revision, r.create_revision, r.id)"
)
_RANGE: Final = (
    f"SELECT {_COLUMNS} FROM revisions r JOIN"
    " (SELECT max(id) AS id FROM revisions WHERE name >= ? AND name < ? AND id <= ?"
    " GROUP BY name) newest ON r.id = newest.id"
    " WHERE r.deleted = 0 ORDER BY r.name"
)
_COUNT: Final = (
    "SELECT count(*) FROM revisions r JOIN"
    " (SELECT max(id) AS id FROM revisions WHERE name >= ? AND name < ? AND id <= ?"
    " GROUP BY name) newest ON r.id = newest.id WHERE r.deleted = 0"
)
_EVENTS: Final = (
    "SELECT r.id, r.name, r.deleted, r.create_revision, r.value, p.value"
    " FROM revisions r LEFT JOIN revisions p ON p.id = r.prev_revision"
    " WHERE r.id > ? AND r.id <= ? AND r.name >= ? AND r.name < ?"
    " ORDER BY r.id LIMIT ?"
)
# A row may go when the row that replaced it is itself within the forgotten time: then
# every kept event still finds the value before it.
_COMPACT_REPLACED: Final = (
    "DELETE FROM revisions WHERE id IN (SELECT old.id FROM revisions new"
    " JOIN revisions old ON old.id = new.prev_revision WHERE new.id <= ? LIMIT ?)"
)
_COMPACT_TOMBSTONES: Final = (
    "DELETE FROM revisions WHERE id IN"
    " (SELECT id FROM revisions WHERE id <= ? AND deleted = 1 LIMIT ?)"
)
_COMPACTED: Final = "INSERT OR REPLACE INTO facts VALUES ('compacted', ?)"


class Change:
    """What a write did: its event, and when the key expires."""

    __slots__ = ("event", "expiry")

    def __init__(self, event: StoreEvent, expiry: Expiry | None) -> None:
        self.event = event
        self.expiry = expiry


class RevisionLog:
    """The open database. ``begin`` and ``commit`` belong to the caller."""

    def __init__(self, path: Path | str, *, synchronous: Synchronous) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, cached_statements=64)
        execute = self._db.execute
        execute("PRAGMA journal_mode = WAL")
        execute(f"PRAGMA synchronous = {synchronous}")
        execute("PRAGMA busy_timeout = 30000")
        execute("PRAGMA wal_autocheckpoint = 4000")
        execute("PRAGMA cache_size = -4096")
        self._db.executescript(_SCHEMA)

    # -- transactions -----------------------------------------------------------------

    def begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._db.execute("COMMIT")

    def rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        self._db.close()

    # -- writes -----------------------------------------------------------------------

    def create(self, key: str, value: bytes, expires_at: float | None) -> Change:
        row = self._latest(key)
        if row is not None and not row[1]:
            raise KeyExists(key, row[0])
        previous = row[0] if row is not None else 0
        revision = self._insert(key, 0, 0, previous, expires_at, value)
        event = StoreEvent(EventType.CREATED, key, value, None, revision)
        return Change(event, _expiry(expires_at, key, revision))

    def update(
        self, key: str, value: bytes, expected: int, expires_at: float | None
    ) -> Change:
        before = self._expect(key, expected)
        revision = self._insert(
            key, 0, before.create_revision, before.revision, expires_at, value
        )
        event = StoreEvent(EventType.MODIFIED, key, value, before.value, revision)
        return Change(event, _expiry(expires_at, key, revision))

    def delete(self, key: str, expected: int) -> Change:
        before = self._expect(key, expected)
        revision = self._insert(
            key, 1, before.create_revision, before.revision, None, b""
        )
        event = StoreEvent(EventType.DELETED, key, b"", before.value, revision)
        return Change(event, None)

    def _expect(self, key: str, revision: int) -> StoredValue:
        current = self.get(key)
        if current is None or current.revision != revision:
            raise Conflict(key, current)
        return current

    def _latest(self, key: str) -> tuple[int, int, int, bytes] | None:
        row: tuple[int, int, int, bytes] | None
        row = self._db.execute(_LATEST, (key,)).fetchone()
        return row

    def _insert(
        self,
        key: str,
        deleted: int,
        create_revision: int,
        previous: int,
        expires_at: float | None,
        value: bytes,
    ) -> int:
        row = (key, deleted, create_revision, previous, expires_at, value)
        revision = self._db.execute(_INSERT, row).lastrowid
        if revision is None:  # pragma: no cover - an INSERT always has a row id
            raise sqlite3.DatabaseError("insert gave no revision")
        return revision

    # -- reads ------------------------------------------------------------------------

    def get(self, key: str) -> StoredValue | None:
        row = self._latest(key)
        if row is None or row[1]:
            return None
        return StoredValue(key, row[3], row[0], row[2] or row[0])

    def range(
        self, prefix: str, limit: int, start: str | None, revision: int
    ) -> ListResult:
        at = self._readable(revision)
        low = max(prefix, start or "")
        bounds = (low, prefix_end(prefix), at)
        statement = f"{_RANGE} LIMIT {limit + 1:d}" if limit else _RANGE
        items = [StoredValue(*row) for row in self._db.execute(statement, bounds)]
        more = bool(limit) and len(items) > limit
        if not more:
            return ListResult(items, at, False, len(items))
        count = self._db.execute(_COUNT, bounds).fetchone()[0]
        return ListResult(items[:limit], at, True, count)

    def _readable(self, revision: int) -> int:
        current = self.current_revision()
        if revision > current:
            raise FutureRevision(revision, current)
        if not revision:
            return current
        floor = self.compact_revision()
        if revision < floor:
            raise Compacted(revision, floor)
        return revision

    def count(self, prefix: str) -> int:
        bounds = (prefix, prefix_end(prefix), self.current_revision())
        count: int = self._db.execute(_COUNT, bounds).fetchone()[0]
        return count

    def events(
        self, prefix: str, after: int, until: int, limit: int
    ) -> list[StoreEvent]:
        """Changes in (after, until], at most ``limit``."""
        floor = self.compact_revision()
        if after < floor:
            raise Compacted(after, floor)
        rows = self._db.execute(
            _EVENTS, (after, until, prefix, prefix_end(prefix), limit)
        )
        return [_event(*row) for row in rows]

    def current_revision(self) -> int:
        """The highest revision ever given, also when its row is compacted."""
        row = self._db.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = 'revisions'"
        ).fetchone()
        return int(row[0]) if row else 0

    def compact_revision(self) -> int:
        row = self._db.execute("SELECT value FROM facts WHERE name = 'compacted'")
        found = row.fetchone()
        return int(found[0]) if found else 0

    def expiries(self) -> list[Expiry]:
        """Current keys that will expire."""
        rows = self._db.execute(
            "SELECT r.expires_at, r.name, r.id FROM revisions r"
            " WHERE r.expires_at IS NOT NULL AND r.deleted = 0 AND NOT EXISTS"
            " (SELECT 1 FROM revisions n WHERE n.prev_revision = r.id)"
        )
        return list(rows)

    # -- compaction -------------------------------------------------------------------

    def compact(self, revision: int, limit: int) -> bool:
        """Forget history up to ``revision``; current values stay.

        Removes at most ``limit`` rows; True when there may be more.
        """
        revision = min(revision, self.current_revision())
        if revision > self.compact_revision():
            # First: from here on, what is half removed cannot be read any more.
            self._db.execute(_COMPACTED, (revision,))
        # A tombstone may go only when nothing older of its key is left: otherwise the
        # key would come back to life.
        for statement in (_COMPACT_REPLACED, _COMPACT_TOMBSTONES):
            if self._db.execute(statement, (revision, limit)).rowcount >= limit:
                return True
        return False

    def checkpoint(self) -> None:
        """Move the WAL into the database and shorten it; outside a transaction."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def prefix_end(prefix: str) -> str:
    """The first key after all that start with ``prefix``."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix else "\U0010ffff"


def _expiry(expires_at: float | None, key: str, revision: int) -> Expiry | None:
    return None if expires_at is None else (expires_at, key, revision)


def _event(
    revision: int,
    key: str,
    deleted: int,
    create_revision: int,
    value: bytes,
    before: bytes | None,
) -> StoreEvent:
    if deleted:
        return StoreEvent(EventType.DELETED, key, b"", before, revision)
    if create_revision:
        return StoreEvent(EventType.MODIFIED, key, value, before, revision)
    return StoreEvent(EventType.CREATED, key, value, None, revision)
