"""The API as controllers use it: verbs on objects; refusals are StatusError."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from apimachinery.meta import name_of, namespace_of
from kube_client.client import MERGE_PATCH, STRATEGIC_PATCH
from kube_client.reflector import Trouble

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from controllers.resources import ResourceType
    from kube_client.client import KubeClient

__all__ = ["Api", "PatchType", "Trouble"]

PatchType = Literal["merge", "strategic"]

_CONTENT_TYPES = {"merge": MERGE_PATCH, "strategic": STRATEGIC_PATCH}


class Api:
    """One identity's requests. `Trouble` is what any of them may end in."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def get(
        self, resource: ResourceType, name: str, namespace: str = ""
    ) -> JsonObject:
        """An object."""
        return await self._client.get(
            resource.location, name, namespace=resource.scope(namespace)
        )

    async def list(
        self, resource: ResourceType, namespace: str = ""
    ) -> list[JsonObject]:
        """All objects of a type, or those in a namespace."""
        answer = await self._client.list(
            resource.location, namespace=resource.scope(namespace)
        )
        items: list[JsonObject] = answer.get("items") or []
        return items

    async def create(self, resource: ResourceType, obj: JsonObject) -> JsonObject:
        """Create an object, in the namespace that its metadata names."""
        return await self._client.create(
            resource.location, obj, namespace=resource.scope(namespace_of(obj))
        )

    async def post(
        self,
        resource: ResourceType,
        obj: JsonObject,
        subresource: str,
        body: JsonObject,
    ) -> JsonObject:
        """Create a subresource of an object: a Binding, an Eviction."""
        return await self._client.create(
            resource.location,
            body,
            namespace=resource.scope(namespace_of(obj)),
            name=name_of(obj),
            subresource=subresource,
        )

    async def update(
        self, resource: ResourceType, obj: JsonObject, subresource: str = ""
    ) -> JsonObject:
        """Replace an object."""
        return await self._client.update(
            resource.location,
            obj,
            namespace=resource.scope(namespace_of(obj)),
            subresource=subresource,
        )

    async def patch(
        self,
        resource: ResourceType,
        obj: JsonObject,
        change: JsonObject,
        subresource: str = "",
        patch_type: PatchType = "strategic",
    ) -> JsonObject:
        """Change part of an object."""
        return await self._client.patch(
            resource.location,
            name_of(obj),
            change,
            namespace=resource.scope(namespace_of(obj)),
            subresource=subresource,
            content_type=_CONTENT_TYPES[patch_type],
        )

    async def delete(
        self,
        resource: ResourceType,
        obj: JsonObject,
        options: JsonObject | None = None,
    ) -> None:
        """Delete an object, with DeleteOptions."""
        await self._client.delete(
            resource.location,
            name_of(obj),
            namespace=resource.scope(namespace_of(obj)),
            options=options,
        )

    async def document(self, path: str) -> JsonObject:
        """What a GET of a path answers that is no object."""
        return await self._client.document(path)
