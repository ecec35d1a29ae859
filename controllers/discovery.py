"""Which types the API server has: what namespaces hold and garbage collection follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from controllers.resources import ResourceType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject
    from controllers.api import Api

__all__ = ["collectable_types", "deletable_types", "discover"]

_COLLECTABLE: Final = frozenset({"delete", "list", "patch", "watch"})
_DELETABLE: Final = frozenset({"delete", "list"})
# garbagecollector.DefaultIgnoredResources: events own nothing and expire by themselves.
_IGNORED: Final = frozenset({("", "events"), ("events.k8s.io", "events")})


async def discover(api: Api) -> list[tuple[ResourceType, frozenset[str]]]:
    """All types of the preferred versions, with their verbs."""
    found = list(_types(await api.document("/api/v1"), "", "v1"))
    groups = await api.document("/apis")
    for group in groups["groups"]:
        version = group["preferredVersion"]["version"]
        document = await api.document(f"/apis/{group['name']}/{version}")
        found += _types(document, group["name"], version)
    return found


async def deletable_types(api: Api) -> list[ResourceType]:
    """What has to be gone before a namespace is empty."""
    return [
        resource
        for resource, verbs in await discover(api)
        if resource.namespaced and verbs >= _DELETABLE
    ]


async def collectable_types(api: Api) -> list[ResourceType]:
    """What can own and be owned."""
    return [
        resource
        for resource, verbs in await discover(api)
        if verbs >= _COLLECTABLE and (resource.group, resource.resource) not in _IGNORED
    ]


def _types(
    document: JsonObject, group: str, version: str
) -> Iterator[tuple[ResourceType, frozenset[str]]]:
    for entry in document["resources"]:
        if "/" in entry["name"]:
            continue  # a subresource
        resource = ResourceType(
            group, version, entry["name"], entry["kind"], entry["namespaced"]
        )
        yield resource, frozenset(entry["verbs"])
