"""Nothing is created in a namespace that is missing or going; some may never go.

Source: kubernetes/apiserver pkg/admission/plugin/namespace/lifecycle/admission.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from apiserver.admission.chain import AdmissionRequest, AdmissionStep
from apiserver.resources.cells import read
from apiserver.resources.namespaces import NAMESPACES

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["NamespaceLifecycle"]

_IMMORTAL = ("default", "kube-system", "kube-public")
_REVIEWS = "authorization.k8s.io"


class NamespaceLifecycle(AdmissionStep):
    async def mutate(
        self, request: AdmissionRequest, obj: JsonObject, old: JsonObject | None
    ) -> None:
        resource = request.resource
        if resource is NAMESPACES:
            self._protect(request)
            return
        # A review asks about a namespace; it need not exist.
        if not resource.namespaced or resource.group == _REVIEWS:
            return
        if request.operation != "CREATE" or request.subresource:
            return
        namespace = await self._namespace(request)
        if read(namespace, "metadata.deletionTimestamp"):
            raise _terminating(request)

    def _protect(self, request: AdmissionRequest) -> None:
        if request.operation == "DELETE" and request.name in _IMMORTAL:
            raise status.forbidden(
                NAMESPACES.group_resource,
                request.name,
                "this namespace may not be deleted",
            )

    async def _namespace(self, request: AdmissionRequest) -> JsonObject:
        services = request.context.services
        cached = await services.cachers.of(NAMESPACES).get(
            NAMESPACES.key("", request.namespace), resource_version="0"
        )
        if cached is not None:
            return cached.object
        # The cache may lag behind a namespace that was made just now.
        return await services.objects.get(NAMESPACES, "", request.namespace)


def _terminating(request: AdmissionRequest) -> status.StatusError:
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {request.namespace} is being terminated",
        "field": "metadata.namespace",
    }
    return status.forbidden(
        request.resource.group_resource,
        request.name,
        f"unable to create new content in namespace {request.namespace} because it is"
        " being terminated",
        causes=[cause],
    )
