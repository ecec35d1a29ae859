"""Whether the user may do what the request asks.

Source: kubernetes/apiserver pkg/endpoints/filters/authorization.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.authz.attributes import Attributes
from apiserver.authz.refusal import forbidden

if TYPE_CHECKING:
    from aiohttp import web

    from apiserver.context import Handler, RequestContext

__all__ = ["attributes_of", "authorize"]


async def authorize(context: RequestContext, following: Handler) -> web.StreamResponse:
    attributes = attributes_of(context)
    decision = context.services.authorizer.authorize(attributes)
    if not decision.allowed:
        raise forbidden(attributes, decision.reason)
    return await following(context)


def attributes_of(context: RequestContext, verb: str = "") -> Attributes:
    """The action of a request, or the same one with another verb."""
    info = context.info
    return Attributes(
        context.user,
        verb or info.verb,
        namespace=info.namespace,
        group=info.group,
        version=info.version,
        resource=info.resource,
        subresource=info.subresource,
        name=info.name,
        is_resource=info.is_resource,
        path=info.path,
        field_selector=context.query.get("fieldSelector"),
    )
