"""`pods/eviction`: delete a pod unless a PodDisruptionBudget is against it.

Source: kubernetes/kubernetes pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import labels, status
from apimachinery.meta import labels_of, name_of
from apimachinery.options import DeleteOptions, check
from apimachinery.status import success_status
from apiserver.body import read_body
from apiserver.decoding import decode_document
from apiserver.handlers.delete import delete_object
from apiserver.resources.cells import read
from apiserver.resources.pods import PODS
from apiserver.response import document_response

if TYPE_CHECKING:
    from aiohttp import web

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource, Subresource

__all__ = ["handle"]

_RETRY_SECONDS = 10


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    eviction = decode_document(context, await read_body(context), "Eviction")
    info = context.info
    given = name_of(eviction)
    if given and given != info.name:
        raise status.bad_request("name in URL does not match name in Eviction object")
    options = DeleteOptions.from_object(
        {**(eviction.get("deleteOptions") or {}), "kind": "DeleteOptions"}
    )
    check("DeleteOptions", options.validate())
    pod = await context.services.objects.get(PODS, info.namespace, info.name)
    if _counts_for_budgets(pod):
        await _ask_budgets(context, pod)
    await delete_object(context, PODS, info.namespace, info.name, options)
    return document_response(context, success_status(), code=201)


def _counts_for_budgets(pod: JsonObject) -> bool:
    """A pod that does not run, or goes anyway, disrupts nothing."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    return read(pod, "status.phase") not in ("Pending", "Succeeded", "Failed")


async def _ask_budgets(context: RequestContext, pod: JsonObject) -> None:
    services = context.services
    budgets = services.registry.by_kind("policy", "PodDisruptionBudget")
    if budgets is None:
        return
    prefix = budgets.key(context.info.namespace, "")
    page = await services.cachers.of(budgets).list(prefix)
    found = [item.object for item in page.items if _selects(item.object, pod)]
    if len(found) > 1:
        raise status.internal_error(
            "This pod has more than one PodDisruptionBudget, which the eviction"
            " subresource does not support."
        )
    for budget in found:
        if not read(budget, "status.disruptionsAllowed"):
            raise _refusal(budget)


def _selects(budget: JsonObject, pod: JsonObject) -> bool:
    selector = read(budget, "spec.selector")
    if selector is None:
        return False
    return labels.selector_from_object(selector).matches(labels_of(pod))


def _refusal(budget: JsonObject) -> status.StatusError:
    refusal = status.too_many_requests(
        "Cannot evict pod as it would violate the pod's disruption budget.",
        _RETRY_SECONDS,
    )
    desired = read(budget, "status.desiredHealthy") or 0
    current = read(budget, "status.currentHealthy") or 0
    refusal.status["details"]["causes"] = [
        {
            "reason": "DisruptionBudget",
            "message": f"The disruption budget {name_of(budget)} needs {desired}"
            f" healthy pods and has {current} currently",
        }
    ]
    return refusal
