"""Create, update and delete of any kind: the generic registry.

Source: kubernetes/apiserver pkg/registry/generic/registry/store.go and
pkg/registry/rest/{create,update,delete,meta}.go.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from apimachinery import schema, status
from apimachinery.field_errors import FieldError, Path, invalid
from apimachinery.meta import generate_name, metadata_of, new_uid, rfc3339
from apiserver.resources.deletion import (
    Deletion,
    begin_deletion,
    check_preconditions,
    is_ready_to_go,
)
from apiserver.resources.metadata import (
    MetadataUpdate,
    validate_metadata,
    validate_metadata_update,
)
from apiserver.storage.interface import KeyExists, KeyNotFound
from hops.clock import wall

if TYPE_CHECKING:
    from apimachinery.options import DeleteOptions
    from apimachinery.patch.field_set import FieldPath
    from apimachinery.types import JsonObject
    from apiserver.resources.registry import Resource
    from apiserver.storage.objects import ObjectStore

__all__ = ["Deleted", "Objects", "Updated", "untracked_paths"]

_NAME_ATTEMPTS = 8
_WIPED_ON_CREATE = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "generation",
)
_KEPT_ON_UPDATE = (
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "generation",
    "generateName",
)

Check: TypeAlias = "Callable[[JsonObject, JsonObject | None], None]"
"""Validating admission: sees the object as it will be stored, and the old one."""
Make: TypeAlias = "Callable[[JsonObject], JsonObject | Awaitable[JsonObject]]"


def no_check(obj: JsonObject, old: JsonObject | None) -> None:
    """Admission that has nothing against anything."""


@dataclass(frozen=True, slots=True)
class Updated:
    obj: JsonObject
    created: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    """`gone` is False when the object only began to go."""

    obj: JsonObject
    gone: bool


class _ReadyToGoError(Exception):
    """An update let go of a deleted object: it is removed, not written."""

    def __init__(self, obj: JsonObject) -> None:
        super().__init__()
        self.obj = obj


@dataclass(slots=True)
class Objects:
    """The objects of every kind, behind one `ObjectStore`."""

    store: ObjectStore
    event_ttl: float = 3600.0
    clock: Callable[[], float] = field(default=wall)

    # -- read

    async def get(self, resource: Resource, namespace: str, name: str) -> JsonObject:
        """One object as it is stored now.

        Raises:
            StatusError: 404.
        """
        try:
            stored = await self.store.get(resource.key(namespace, name))
        except KeyNotFound:
            raise status.not_found(resource.group_resource, name) from None
        return _from_stored(resource, stored)

    # -- create

    async def create(
        self,
        resource: Resource,
        namespace: str,
        obj: JsonObject,
        *,
        check: Check = no_check,
        dry_run: bool = False,
    ) -> JsonObject:
        """Store a new object.

        Raises:
            StatusError: 409, 422, or what `check` raises.
        """
        generated = not metadata_of(obj).get("name")
        for attempt in range(_NAME_ATTEMPTS if generated else 1):
            candidate = copy.deepcopy(obj) if generated else obj
            self._prepare_new(resource, namespace, candidate)
            check(candidate, None)
            try:
                return await self._insert(
                    resource, namespace, candidate, dry_run=dry_run
                )
            except KeyExists:
                if generated and attempt + 1 < _NAME_ATTEMPTS:
                    continue
                raise await self._exists(resource, candidate, generated) from None
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _prepare_new(self, resource: Resource, namespace: str, obj: JsonObject) -> None:
        metadata = metadata_of(obj)
        if metadata.get("resourceVersion"):
            raise status.StatusError(
                status.failure_status(
                    500,
                    "",
                    "resourceVersion should not be set on objects to be created",
                )
            )
        for name in _WIPED_ON_CREATE:
            metadata.pop(name, None)
        metadata.pop("resourceVersion", None)
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = generate_name(metadata["generateName"])
        if resource.namespaced:
            metadata["namespace"] = namespace
        metadata["uid"] = new_uid()
        metadata["creationTimestamp"] = rfc3339(self.clock())
        if resource.strategy.tracks_generation:
            metadata["generation"] = 1
        resource.strategy.default(obj)
        resource.strategy.prepare_for_create(obj)
        errors = validate_metadata(resource, obj) + resource.strategy.validate(obj)
        if errors:
            raise status.invalid(resource.group_kind, metadata.get("name", ""), errors)

    async def _insert(
        self, resource: Resource, namespace: str, obj: JsonObject, *, dry_run: bool
    ) -> JsonObject:
        key = resource.key(namespace, obj["metadata"]["name"])
        if dry_run:
            if await self.store.store.get(key) is not None:
                raise KeyExists(key, 0)
            return obj
        stored = await self.store.create(
            key, _to_stored(resource, obj), ttl=self._ttl(resource)
        )
        return _from_stored(resource, stored)

    async def _exists(
        self, resource: Resource, obj: JsonObject, generated: bool
    ) -> status.StatusError:
        metadata = obj["metadata"]
        name = metadata["name"]
        if generated:
            return status.generate_name_conflict(resource.group_resource, name)
        deleting = False
        try:
            existing = await self.store.get(
                resource.key(metadata.get("namespace", ""), name)
            )
            deleting = bool(existing["metadata"].get("deletionTimestamp"))
        except KeyNotFound:
            pass
        return status.already_exists(
            resource.group_resource, name, being_deleted=deleting
        )

    def _ttl(self, resource: Resource) -> float | None:
        return self.event_ttl if resource.kind == "Event" else None

    # -- update

    async def update(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        make: Make,
        *,
        subresource: str = "",
        check: Check = no_check,
        dry_run: bool = False,
        create: Callable[[], Awaitable[JsonObject]] | None = None,
        manager: str = "",
    ) -> Updated:
        """Replace an object by what `make` makes of its current state.

        `make` may be called again when somebody else was faster. With `create`, a
        missing object is made instead, of what that returns. What changed belongs to
        `manager` from then on; without one nobody's ownership changes.

        Raises:
            StatusError: 404, 409, 422, or what `make` and `check` raise.
        """
        key = resource.key(namespace, name)

        async def attempt(stored: JsonObject) -> JsonObject:
            old = _from_stored(resource, stored)
            made = make(copy.deepcopy(old))
            new = await made if isinstance(made, Awaitable) else made
            if manager:
                self.track(resource, old, new, manager=manager, subresource=subresource)
            self._prepare_update(resource, new, old, subresource)
            check(new, old)
            if is_ready_to_go(resource, new, old):
                raise _ReadyToGoError(new)
            return _to_stored(resource, new)

        try:
            if dry_run:
                made = await attempt(await self.store.get(key))
                return Updated(_from_stored(resource, made))
            stored = await self.store.guaranteed_update(
                key, attempt, ttl=self._ttl(resource)
            )
            return Updated(_from_stored(resource, stored))
        except _ReadyToGoError as last:
            return Updated(await self._let_go(resource, key, last.obj, dry_run=dry_run))
        except KeyNotFound:
            if create is None:
                raise status.not_found(resource.group_resource, name) from None
        obj = await create()
        made = await self.create(resource, namespace, obj, check=check, dry_run=dry_run)
        return Updated(made, created=True)

    async def _let_go(
        self, resource: Resource, key: str, obj: JsonObject, *, dry_run: bool
    ) -> JsonObject:
        if not dry_run:
            # If somebody else removed it: that was the aim.
            with suppress(KeyNotFound):
                await self.store.delete(key)
        return obj

    def _prepare_update(
        self, resource: Resource, new: JsonObject, old: JsonObject, subresource: str
    ) -> None:
        strategy = resource.strategy
        metadata, before = metadata_of(new), old["metadata"]
        name = before.get("name", "")
        errors = _check_version(resource, metadata, before)
        for kept in _KEPT_ON_UPDATE:
            if kept in before:
                metadata[kept] = before[kept]
            else:
                metadata.pop(kept, None)
        metadata.setdefault("name", name)
        if resource.namespaced:
            metadata.setdefault("namespace", before.get("namespace", ""))
        if not metadata.get("uid"):
            metadata["uid"] = before.get("uid", "")
        strategy.prepare_for_update(new, old, subresource)
        if subresource != "status":
            strategy.default(new)
        if strategy.tracks_generation and _spec_changed(new, old):
            metadata["generation"] = (before.get("generation") or 0) + 1
        errors += validate_metadata_update(
            MetadataUpdate(resource, metadata_of(new), before)
        )
        errors += strategy.validate_update(new, old, subresource)
        if errors:
            raise status.invalid(resource.group_kind, name, errors)

    def track(
        self,
        resource: Resource,
        old: JsonObject | None,
        new: JsonObject,
        *,
        manager: str,
        subresource: str = "",
    ) -> None:
        """Write managedFields: `manager` owns what differs between `old` and `new`."""
        # Costs 20 ms, which the first write can bear better than the start.
        from apimachinery.patch.managed_fields import track_update

        track_update(
            old,
            new,
            schema.lookup(resource.group_version, resource.kind),
            manager=manager,
            api_version=resource.group_version,
            now=self.clock(),
            subresource=subresource,
            ignored=untracked_paths(resource, subresource),
        )

    # -- delete

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        options: DeleteOptions,
        *,
        check: Check = no_check,
    ) -> Deleted:
        """Remove an object, or begin to.

        Raises:
            StatusError: 404, 409, or what `check` raises.
        """
        key = resource.key(namespace, name)
        outcome = Deletion.NOW

        def mark(stored: JsonObject) -> JsonObject:
            nonlocal outcome
            obj = _from_stored(resource, stored)
            check_preconditions(resource, obj, options.preconditions)
            check(obj, None)
            outcome = begin_deletion(resource, obj, options, self.clock())
            if outcome in (Deletion.NOW, Deletion.PENDING):
                return stored
            return _to_stored(resource, obj)

        try:
            if options.is_dry_run:
                obj = mark(await self.store.get(key))
            else:
                obj = await self.store.guaranteed_update(key, mark)
            gone = outcome in (Deletion.NOW, Deletion.MARK_THEN_REMOVE)
            if gone and not options.is_dry_run:
                obj = await self._remove(resource, key, obj)
        except KeyNotFound:
            raise status.not_found(resource.group_resource, name) from None
        return Deleted(_from_stored(resource, obj), gone)

    async def _remove(
        self, resource: Resource, key: str, seen: JsonObject
    ) -> JsonObject:
        """Remove the object that was looked at, not a namesake made since."""
        uid = seen["metadata"].get("uid")

        def same(current: JsonObject) -> None:
            if current["metadata"].get("uid") != uid:
                raise KeyNotFound(key)

        try:
            return await self.store.delete(key, same)
        except KeyNotFound:
            if seen["metadata"].get("deletionTimestamp"):
                return seen  # the kubelet was faster
            raise


def untracked_paths(resource: Resource, subresource: str) -> tuple[FieldPath, ...]:
    """What a path cannot change, so that nobody comes to own it there.

    Source: GetResetFields of the kinds' strategies.
    """
    if not resource.strategy.has_status:
        return ()
    if subresource == "status":
        return (("f:spec",), ("f:metadata", "f:ownerReferences"))
    return (("f:status",),)


def _from_stored(resource: Resource, obj: JsonObject) -> JsonObject:
    return resource.stored_as.from_stored(obj) if resource.stored_as else obj


def _to_stored(resource: Resource, obj: JsonObject) -> JsonObject:
    return resource.stored_as.to_stored(obj) if resource.stored_as else obj


def _check_version(
    resource: Resource, metadata: JsonObject, before: JsonObject
) -> list[FieldError]:
    """Optimistic locking by resourceVersion and uid."""
    name = before.get("name", "")
    uid, version = metadata.get("uid"), metadata.get("resourceVersion")
    if uid and uid != before.get("uid"):
        key = resource.key(before.get("namespace", ""), name)
        raise status.conflict(
            resource.group_resource,
            name,
            f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0,"
            f" AdditionalErrorMsg: Precondition failed: UID in precondition: {uid},"
            f" UID in object meta: {before.get('uid', '')}",
        )
    metadata["resourceVersion"] = before.get("resourceVersion", "")
    if version and version != "0":
        if version != before.get("resourceVersion"):
            raise status.conflict(resource.group_resource, name)
        return []
    if resource.strategy.allows_unconditional_update:
        return []
    where = Path("metadata").child("resourceVersion")
    return [invalid(where, 0, "must be specified for an update")]


def _spec_changed(new: JsonObject, old: JsonObject) -> bool:
    ignored = ("metadata", "status", "apiVersion", "kind")
    return {k: v for k, v in new.items() if k not in ignored} != {
        k: v for k, v in old.items() if k not in ignored
    }
