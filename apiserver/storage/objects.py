"""ObjectStore: Kubernetes objects over a Store.

An object is kept as JSON without resourceVersion, which is the revision of its key.
JSON is written with sorted keys: equal objects are equal bytes, and an update that
changes nothing can be seen and not written. Protobuf is read too, for that is what
kube-apiserver leaves in an etcd; it reads our JSON in turn.
Source: kubernetes/apiserver pkg/storage/etcd3/store.go.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from apimachinery.meta import metadata_of
from apimachinery.types import JsonObject
from apiserver.storage.interface import (
    Conflict,
    KeyNotFound,
    Store,
    StoredValue,
    UndecodableValue,
)

__all__ = ["ObjectList", "ObjectStore", "Update", "decode", "encode"]

Update: TypeAlias = Callable[[JsonObject], JsonObject | Awaitable[JsonObject]]


def encode(obj: JsonObject) -> bytes:
    """The bytes to store; resourceVersion and selfLink are left out."""
    metadata = obj.get("metadata")
    if isinstance(metadata, dict) and not metadata.keys().isdisjoint(_NOT_STORED):
        metadata = {k: v for k, v in metadata.items() if k not in _NOT_STORED}
        obj = {**obj, "metadata": metadata}
    return _ENCODER.encode(obj).encode()


_NOT_STORED = frozenset({"resourceVersion", "selfLink"})
_ENCODER = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, sort_keys=True, allow_nan=False
)


_PROTOBUF = b"k8s\0"
_ENCRYPTED = b"k8s:enc:"


def decode(value: bytes, revision: int) -> JsonObject:
    """The object that ``value`` holds, with its resourceVersion.

    Raises:
        UndecodableValue: it is encrypted, or no object that we know.
    """
    obj = _parse(value)
    metadata_of(obj)["resourceVersion"] = str(revision)
    return obj


def _parse(value: bytes) -> JsonObject:
    try:
        if value.startswith(_PROTOBUF):
            from apimachinery.serializer import protobuf  # only beside a kube-apiserver

            return protobuf.decode(value)
        obj: JsonObject = json.loads(value)
    except ValueError as err:
        if value.startswith(_ENCRYPTED):
            provider = value[len(_ENCRYPTED) : 64].split(b":")[0].decode("latin-1")
            raise UndecodableValue(f"encrypted at rest by {provider}") from None
        raise UndecodableValue(str(err)) from err
    return obj


@dataclass(frozen=True, slots=True)
class ObjectList:
    """A page of objects; ``remaining`` counts what follows it."""

    items: list[JsonObject]
    revision: int
    remaining: int
    next_key: str | None


class ObjectStore:
    """Create, read, update and delete objects; races are resolved here."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def get(self, key: str) -> JsonObject:
        """The object as stored; the caller may change what it gets.

        Raises:
            KeyNotFound: there is none.
        """
        stored = await self.store.get(key)
        if stored is None:
            raise KeyNotFound(key)
        return decode(stored.value, stored.revision)

    async def create(
        self, key: str, obj: JsonObject, *, ttl: float | None = None
    ) -> JsonObject:
        """Store a new object; returns it with its resourceVersion.

        Raises:
            KeyExists: the key is taken.
        """
        value = encode(obj)
        return decode(value, await self.store.create(key, value, ttl=ttl))

    async def guaranteed_update(
        self,
        key: str,
        update: Update,
        *,
        cached: JsonObject | None = None,
        ttl: float | None = None,
    ) -> JsonObject:
        """Read, let ``update`` make the new object, write; again when another won.

        ``update`` gets a copy that it may change and returns the object to store; what
        it raises is raised here. An unchanged object is not written. ``cached`` saves
        the first read when the caller holds a recent state.

        Raises:
            KeyNotFound: the object is not there (any more).
        """
        stored = await self._first(key, cached)
        fresh = cached is None
        while True:
            made = update(decode(stored.value, stored.revision))
            obj = await made if inspect.isawaitable(made) else made
            value = encode(obj)
            same = value == stored.value or _says_the_same(value, stored)
            if same and fresh:
                return decode(stored.value, stored.revision)
            if same:
                stored, fresh = await self._read(key), True
                continue
            try:
                revision = await self.store.update(key, value, stored.revision, ttl=ttl)
            except Conflict as err:
                if err.current is None:
                    raise KeyNotFound(key) from None
                stored, fresh = err.current, True
                continue
            return decode(value, revision)

    async def delete(
        self, key: str, check: Callable[[JsonObject], None] | None = None
    ) -> JsonObject:
        """Remove the object; returns its last state at the deletion's revision.

        ``check`` sees the state that is about to go and may raise.

        Raises:
            KeyNotFound: there is none.
        """
        stored = await self._read(key)
        while True:
            if check is not None:
                check(decode(stored.value, stored.revision))
            try:
                revision = await self.store.delete(key, stored.revision)
            except Conflict as err:
                if err.current is None:
                    raise KeyNotFound(key) from None
                stored = err.current
                continue
            return decode(stored.value, revision)

    async def list(
        self,
        prefix: str,
        *,
        limit: int = 0,
        start: str | None = None,
        revision: int = 0,
    ) -> ObjectList:
        """Objects under a prefix, read from the store itself.

        Raises:
            Compacted, FutureRevision: as Store.list.
        """
        page = await self.store.list(
            prefix, limit=limit, start=start, revision=revision
        )
        items = [decode(each.value, each.revision) for each in page.items]
        next_key = page.items[-1].key + "\0" if page.more else None
        return ObjectList(items, page.revision, page.count - len(items), next_key)

    async def _first(self, key: str, cached: JsonObject | None) -> StoredValue:
        if cached is None:
            return await self._read(key)
        revision = int(cached["metadata"]["resourceVersion"])
        return StoredValue(key, encode(cached), revision, 0)

    async def _read(self, key: str) -> StoredValue:
        stored = await self.store.get(key)
        if stored is None:
            raise KeyNotFound(key)
        return stored


def _says_the_same(value: bytes, stored: StoredValue) -> bool:
    """Whether a value in another format is the object that ``value`` is."""
    if not stored.value.startswith(_PROTOBUF):
        return False
    return encode(decode(stored.value, stored.revision)) == value
