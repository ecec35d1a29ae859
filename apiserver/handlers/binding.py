"""`pods/binding`: a scheduler's decision.

Source: kubernetes/kubernetes pkg/registry/core/pod/storage/storage.go, BindingREST.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.field_errors import Path, invalid, not_supported, required
from apimachinery.gvk import GroupResource
from apimachinery.meta import rfc3339
from apimachinery.options import WriteOptions, check
from apimachinery.status import success_status
from apiserver.body import read_body
from apiserver.decoding import decode_document
from apiserver.resources.cells import read
from apiserver.resources.pods import PODS
from apiserver.response import document_response

if TYPE_CHECKING:
    from aiohttp import web

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource, Subresource

__all__ = ["bind", "handle"]

_BINDING = GroupResource("", "pods/binding")


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    options = WriteOptions.from_query(context.query)
    check("CreateOptions", options.validate())
    binding = decode_document(context, await read_body(context), "Binding")
    await bind(context, context.info.name, binding, options)
    return document_response(context, success_status(), code=201)


async def bind(
    context: RequestContext, name: str, binding: JsonObject, options: WriteOptions
) -> None:
    """Give a pod its node, once.

    Raises:
        StatusError: 404, 409, 422.
    """
    _validate(binding, name)
    node = read(binding, "target.name")
    uid = read(binding, "metadata.uid")
    now = rfc3339(context.services.clock())

    def assign(pod: JsonObject) -> JsonObject:
        if uid and uid != pod["metadata"].get("uid"):
            raise _conflict(
                name,
                f"Precondition failed: UID in precondition: {uid}, UID in object meta: {pod['metadata'].get('uid')}",
            )
        if pod["metadata"].get("deletionTimestamp"):
            raise _conflict(
                name, f"pod {name} is being deleted, cannot be assigned to a host"
            )
        assigned = read(pod, "spec.nodeName")
        if assigned:
            raise _conflict(
                name, f"pod {name} is already assigned to node {_go(assigned)}"
            )
        if read(pod, "spec.schedulingGates"):
            raise _conflict(name, f"pod {name} has non-empty .spec.schedulingGates")
        pod["spec"]["nodeName"] = node
        annotations = read(binding, "metadata.annotations")
        if annotations:
            pod["metadata"].setdefault("annotations", {}).update(annotations)
        _set_scheduled(pod, now)
        return pod

    await context.services.objects.update(
        PODS,
        context.info.namespace,
        name,
        assign,
        subresource="binding",
        dry_run=options.is_dry_run,
    )


def _validate(binding: JsonObject, name: str) -> None:
    target = Path("target")
    kind = read(binding, "target.kind") or "Node"
    errors = []
    if kind not in ("Node", "Minion"):
        errors.append(not_supported(target.child("kind"), kind, ("Node", "<empty>")))
    if not read(binding, "target.name"):
        errors.append(required(target.child("name")))
    given = read(binding, "metadata.name")
    if given and given != name:
        where = Path("metadata").child("name")
        detail = "name in URL does not match name in Binding object"
        errors.append(invalid(where, given, detail))
    if errors:
        raise status.invalid("Binding", name, errors)


def _go(text: str) -> str:
    return f'"{text}"'


def _conflict(name: str, reason: str) -> status.StatusError:
    return status.conflict(_BINDING, name, reason)


def _set_scheduled(pod: JsonObject, now: str) -> None:
    conditions = pod.setdefault("status", {}).setdefault("conditions", [])
    condition: JsonObject = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": now,
    }
    if pod["metadata"].get("generation"):
        condition["observedGeneration"] = pod["metadata"]["generation"]
    for position, old in enumerate(conditions):
        if old.get("type") == "PodScheduled":
            if old.get("status") == "True":
                condition["lastTransitionTime"] = old.get("lastTransitionTime")
            conditions[position] = condition
            return
    conditions.append(condition)
