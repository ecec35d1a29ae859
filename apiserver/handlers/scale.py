"""`/scale`: replicas of whatever has `spec.replicas`, as autoscaling/v1 Scale.

Source: kubernetes/kubernetes pkg/registry/apps/{deployment,replicaset,statefulset}/
storage/storage.go, ScaleREST.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.field_errors import Path, invalid
from apimachinery.options import WriteOptions, check
from apiserver.body import read_body
from apiserver.decoding import decode_document, field_manager, kind_of
from apiserver.handlers.forms import shape_of
from apiserver.handlers.patch import read_patch
from apiserver.resources.cells import AGE, NAME, integer, read, selector_text
from apiserver.resources.registry import Resource
from apiserver.response import document_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Subresource

__all__ = ["handle", "scale_of"]

_SCALE = Resource(
    "autoscaling",
    "v1",
    "scale",
    "Scale",
    namespaced=True,
    columns=(
        NAME,
        integer("Desired", "spec.replicas"),
        integer("Available", "status.replicas"),
        AGE,
    ),
)
_COPIED = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    shape = shape_of(context, _SCALE)
    info, services = context.info, context.services
    if info.verb == "get":
        obj = await services.objects.get(resource, info.namespace, info.name)
    else:
        obj = await _write(context, resource)
    return document_response(context, shape.object(scale_of(obj)), form=shape.form)


def scale_of(obj: JsonObject) -> JsonObject:
    """The Scale that stands for an object."""
    metadata = {k: v for k, v in obj["metadata"].items() if k in _COPIED}
    state: JsonObject = {"replicas": read(obj, "status.replicas") or 0}
    selector = read(obj, "spec.selector")
    if selector:
        state["selector"] = selector_text(selector)
    spec = {}
    if read(obj, "spec.replicas"):
        spec["replicas"] = read(obj, "spec.replicas")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": spec,
        "status": state,
    }


async def _write(context: RequestContext, resource: Resource) -> JsonObject:
    info, services = context.info, context.services
    change, options = await _read_change(context)

    def make(old: JsonObject) -> JsonObject:
        return _scaled(old, change(scale_of(old)))

    updated = await services.objects.update(
        resource,
        info.namespace,
        info.name,
        make,
        subresource="scale",
        dry_run=options.is_dry_run,
        manager=field_manager(context, options),
    )
    return updated.obj


async def _read_change(
    context: RequestContext,
) -> tuple[Callable[[JsonObject], JsonObject], WriteOptions]:
    """What the request makes of the present Scale: a PUT ignores it."""
    if context.info.verb == "patch":
        parsed, options = await read_patch(context, _SCALE)

        def patched(scale: JsonObject) -> JsonObject:
            return parsed.apply_to(
                scale, kind_of(_SCALE), field_validation=options.field_validation
            ).object

        return patched, options
    options = WriteOptions.from_query(context.query)
    check("UpdateOptions", options.validate())
    sent = decode_document(context, await read_body(context), "Scale")
    return (lambda scale: sent), options


def _scaled(old: JsonObject, scale: JsonObject) -> JsonObject:
    replicas = read(scale, "spec.replicas") or 0
    if replicas < 0:
        where = Path("spec").child("replicas")
        error = invalid(where, replicas, "must be greater than or equal to 0")
        raise status.invalid("Scale.autoscaling", old["metadata"]["name"], [error])
    new = copy.deepcopy(old)
    new["spec"]["replicas"] = replicas
    version = read(scale, "metadata.resourceVersion")
    new["metadata"]["resourceVersion"] = version or ""
    uid = read(scale, "metadata.uid")
    if uid:
        new["metadata"]["uid"] = uid
    return new
