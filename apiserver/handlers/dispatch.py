"""From what a request asks for to the handler that answers it.

Source: kubernetes/apiserver pkg/endpoints/installer.go (which methods a path has) and
pkg/server/mux (what is answered where there is nothing).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from apimachinery import status
from apiserver.response import plain_text

if TYPE_CHECKING:
    from aiohttp import web

    from apiserver.context import ObjectHandler, RequestContext
    from apiserver.resources.registry import Resource

__all__ = ["NOT_FOUND", "dispatch"]

NOT_FOUND = "404 page not found\n"

# Modules are imported when first needed: the server listens sooner.
_COLLECTION_VERBS = {
    "create": "create",
    "list": "list",
    "watch": "watch",
    "deletecollection": "deletecollection",
}
_OBJECT_VERBS = {
    "get": "get",
    "update": "update",
    "patch": "patch",
    "delete": "delete",
}
_PLAIN = {
    "version": "version",
    "openapi": "openapi",
    "healthz": "health",
    "livez": "health",
    "readyz": "health",
    "metrics": "metrics",
    "api": "discovery",
    "apis": "discovery",
    ".well-known": "service_account_issuer",
    "openid": "service_account_issuer",
    "": "index",
}


async def dispatch(context: RequestContext) -> web.StreamResponse:
    """Answer an authorized request."""
    info = context.info
    if not info.is_resource:
        return await _plain(context)
    registry = context.services.registry
    resource = registry.find(info.group, info.version, info.resource)
    if resource is None or not _scope_fits(resource, context):
        return plain_text(404, NOT_FOUND)
    if info.verb == "proxy":
        return plain_text(404, NOT_FOUND)
    if info.subresource:
        return await _subresource(context, resource)
    if resource.action != "object":
        return await _review(context, resource)
    return await _object(context, resource)


async def _plain(context: RequestContext) -> web.StreamResponse:
    first = context.info.path.strip("/").partition("/")[0]
    module = _PLAIN.get(first)
    if module is None:
        return plain_text(404, NOT_FOUND)
    handle = import_module(f"apiserver.handlers.{module}").handle
    response: web.StreamResponse = await handle(context)
    return response


def _scope_fits(resource: Resource, context: RequestContext) -> bool:
    """Namespaced objects are only reached through their namespace."""
    info = context.info
    if resource.namespaced:
        at_cluster_scope = not info.namespace
        return not (at_cluster_scope and (info.name_in_path or info.verb == "create"))
    return not info.namespace or info.resource == "namespaces"


async def _subresource(
    context: RequestContext, resource: Resource
) -> web.StreamResponse:
    info = context.info
    subresource = resource.subresource(info.subresource)
    if subresource is None:
        return plain_text(404, NOT_FOUND)
    if len(info.parts) > 3 and subresource.action not in ("node_proxy", "pod_proxy"):
        return plain_text(404, NOT_FOUND)
    if info.verb not in subresource.verbs:
        raise _method_not_allowed()
    action = subresource.action
    if action == "object":
        action = _OBJECT_VERBS[info.verb]
    return await _handler(action)(context, resource, subresource)


async def _review(context: RequestContext, resource: Resource) -> web.StreamResponse:
    if context.info.verb not in resource.verbs or context.info.name_in_path:
        raise _method_not_allowed()
    return await _handler(resource.action)(context, resource, None)


async def _object(context: RequestContext, resource: Resource) -> web.StreamResponse:
    info = context.info
    if info.name_in_path:
        verb = info.verb
        if verb == "get" and context.query.boolean("watch"):
            verb = "watch"
        module = {**_OBJECT_VERBS, "watch": "watch"}.get(verb)
    else:
        verb, module = info.verb, _COLLECTION_VERBS.get(info.verb)
    if module is None or verb not in resource.verbs:
        raise _method_not_allowed()
    return await _handler(module)(context, resource, None)


def _handler(module: str) -> ObjectHandler:
    handle: ObjectHandler = import_module(f"apiserver.handlers.{module}").handle
    return handle


def _method_not_allowed() -> status.StatusError:
    return status.generic_server_response(405, "")
