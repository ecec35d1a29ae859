"""DELETE of one object.

Source: kubernetes/apiserver pkg/endpoints/handlers/delete.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.options import DeleteOptions, check
from apimachinery.status import success_status
from apiserver.admission.chain import AdmissionRequest
from apiserver.body import read_body
from apiserver.decoding import decode_document
from apiserver.handlers.forms import shape_of
from apiserver.response import document_response

if TYPE_CHECKING:
    from aiohttp import web

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.objects import Deleted
    from apiserver.resources.registry import Resource, Subresource

__all__ = ["delete_object", "delete_options", "handle"]


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    shape = shape_of(context, resource)
    options = await delete_options(context)
    info = context.info
    namespace = info.namespace if resource.namespaced else ""
    deleted = await delete_object(context, resource, namespace, info.name, options)
    code = 200
    # Old clients that ask not to orphan are told that the work goes on.
    if not deleted.gone and options.orphan_dependents is False:
        code = 202
    if deleted.gone and not resource.strategy.returns_deleted_object:
        document = success_status(_details(resource, deleted.obj))
    else:
        document = shape.object(deleted.obj)
    return document_response(context, document, code=code, form=shape.form)


async def delete_options(context: RequestContext) -> DeleteOptions:
    """DeleteOptions from the body, or without one from the query.

    Raises:
        StatusError: 400, 415, 422.
    """
    body = await read_body(context)
    if body:
        options = DeleteOptions.from_object(
            decode_document(context, body, "DeleteOptions")
        )
    else:
        options = DeleteOptions.from_query(context.query)
    check("DeleteOptions", options.validate())
    return options


async def delete_object(
    context: RequestContext,
    resource: Resource,
    namespace: str,
    name: str,
    options: DeleteOptions,
) -> Deleted:
    """Admit and delete.

    Raises:
        StatusError: 403, 404, 409.
    """
    services = context.services
    request = AdmissionRequest(
        "DELETE",
        resource,
        "",
        namespace,
        name,
        context.user,
        context,
        dry_run=options.is_dry_run,
    )
    await services.admission.mutate(request, {})
    return await services.objects.delete(
        resource,
        namespace,
        name,
        options,
        check=lambda obj, _: services.admission.validate(request, obj, obj),
    )


def _details(resource: Resource, obj: JsonObject) -> JsonObject:
    metadata = obj["metadata"]
    details = {"name": metadata["name"]}
    if resource.group:
        details["group"] = resource.group
    return {**details, "kind": resource.resource, "uid": metadata.get("uid", "")}
