"""`/api`, `/apis` and what lies right below them.

Source: kubernetes/apiserver pkg/endpoints/discovery{,/aggregated}.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aiohttp import web

from apimachinery.negotiation import JSON, Transform
from apiserver.handlers import discovery_documents as documents
from apiserver.handlers.dispatch import NOT_FOUND
from apiserver.response import (
    document_response,
    json_bytes,
    negotiated_form,
    plain_text,
)

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext

__all__ = ["handle"]

_GROUP = "apidiscovery.k8s.io"
_AGGREGATED = frozenset(
    Transform("APIGroupDiscoveryList", version, _GROUP) for version in ("v2", "v2beta1")
)


async def handle(context: RequestContext) -> web.StreamResponse:
    if context.info.verb not in ("get", "head"):
        return plain_text(405, "method not allowed\n")
    parts = context.info.path.strip("/").split("/")
    match parts:
        case ["api" | "apis" as root]:
            return _root(context, core=root == "api")
        case ["api", "v1"]:
            return _resources(context, "", "v1")
        case ["apis", group]:
            return _group(context, group)
        case ["apis", group, version]:
            return _resources(context, group, version)
        case _:
            return plain_text(404, NOT_FOUND)


def _root(context: RequestContext, *, core: bool) -> web.StreamResponse:
    services = context.services
    form = negotiated_form(context, _AGGREGATED)
    if form.transform is not None:
        return _aggregated(context, form.transform.version, core=core)
    if core:
        document = documents.api_versions(services.server_address)
    else:
        document = documents.api_group_list(services.registry)
    return document_response(context, document, form=form)


def _aggregated(
    context: RequestContext, version: str, *, core: bool
) -> web.StreamResponse:
    """The whole discovery in one document, with a tag by which clients keep it."""
    body, etag = _cached_document(context, version, core=core)
    headers = {"ETag": f'"{etag}"', "Vary": "Accept", "Cache-Control": "public"}
    if context.request.headers.get("If-None-Match", "").strip('"') == etag:
        return web.Response(status=304, headers=headers)
    # client-go only takes it for aggregated when g, v and as are repeated here.
    content_type = f"{JSON};g={_GROUP};v={version};as=APIGroupDiscoveryList"
    return web.Response(body=body, headers={**headers, "Content-Type": content_type})


_documents: dict[tuple[int, int, str, bool], tuple[bytes, str]] = {}


def _cached_document(
    context: RequestContext, version: str, *, core: bool
) -> tuple[bytes, str]:
    registry = context.services.registry
    key = (id(registry), registry.generation, version, core)
    found = _documents.get(key)
    if found is None:
        document = documents.aggregated_discovery(
            registry, core=core, api_version=version
        )
        body = json_bytes(document)
        found = _documents[key] = (body, hashlib.sha512(body).hexdigest().upper())
    return found


def _group(context: RequestContext, group: str) -> web.StreamResponse:
    registry = context.services.registry
    if not group or not registry.versions(group):
        return plain_text(404, NOT_FOUND)
    return _document(context, documents.api_group(registry, group))


def _resources(context: RequestContext, group: str, version: str) -> web.StreamResponse:
    registry = context.services.registry
    if version not in registry.versions(group):
        return plain_text(404, NOT_FOUND)
    return _document(context, documents.api_resource_list(registry, group, version))


def _document(context: RequestContext, document: JsonObject) -> web.StreamResponse:
    return document_response(context, document)
