"""A kubelet changes its own node, its own pods and its own lease, nothing else.

Source: kubernetes/kubernetes plugin/pkg/admission/noderestriction/admission.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.go_text import quote
from apiserver.admission.chain import AdmissionRequest, AdmissionStep
from apiserver.authz.node import node_name_of
from apiserver.resources.cells import read
from apiserver.resources.nodes import NODES
from apiserver.resources.pods import PODS

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["NodeRestriction"]

_MIRROR = "kubernetes.io/config.mirror"
_RESTRICTED = "node-restriction.kubernetes.io"


class NodeRestriction(AdmissionStep):
    def validate(
        self, request: AdmissionRequest, obj: JsonObject, old: JsonObject | None
    ) -> None:
        node = node_name_of(request.user)
        if not node:
            return
        if request.resource is NODES:
            self._check_node(request, node, obj, old)
        elif request.resource is PODS:
            self._check_pod(request, node, obj, old)
        elif request.resource.resource == "leases":
            self._check_lease(request, node)

    def _check_node(
        self,
        request: AdmissionRequest,
        node: str,
        obj: JsonObject,
        old: JsonObject | None,
    ) -> None:
        name = request.name or read(obj, "metadata.name")
        if name != node:
            raise _refuse(
                request,
                f"node {quote(node)} is not allowed to modify node {quote(name)}",
            )
        if request.operation == "DELETE" or old is None:
            return
        if read(obj, "spec.taints") != read(old, "spec.taints"):
            raise _refuse(
                request, f"node {quote(node)} is not allowed to modify taints"
            )
        changed = _changed_labels(obj, old)
        restricted = sorted(
            label
            for label in changed
            if label.split("/", 1)[0].endswith(_RESTRICTED) and "/" in label
        )
        if restricted:
            raise _refuse(
                request,
                f"node {quote(node)} is not allowed to modify labels:"
                f" {', '.join(restricted)}",
            )

    def _check_pod(
        self,
        request: AdmissionRequest,
        node: str,
        obj: JsonObject,
        old: JsonObject | None,
    ) -> None:
        if request.operation == "CREATE" and not request.subresource:
            if _MIRROR not in (obj["metadata"].get("annotations") or {}):
                text = "can only create mirror pods"
                raise _refuse(
                    request,
                    f"pod does not have {quote(_MIRROR)} annotation, node {quote(node)} {text}",
                )
            if read(obj, "spec.nodeName") != node:
                raise _refuse(
                    request,
                    f"node {quote(node)} can only create pods with spec.nodeName set"
                    " to itself",
                )
            return
        seen = old if old is not None else obj
        if read(seen, "spec.nodeName") != node:
            verb = "delete" if request.operation == "DELETE" else "update status for"
            raise _refuse(
                request,
                f"node {quote(node)} can only {verb} pods with spec.nodeName set to"
                " itself",
            )

    def _check_lease(self, request: AdmissionRequest, node: str) -> None:
        if request.namespace != "kube-node-lease":
            raise _refuse(
                request,
                'can only access leases in the "kube-node-lease" system namespace',
            )
        if request.name != node:
            raise _refuse(
                request,
                "can only access node lease with the same name as the requesting node",
            )


def _changed_labels(obj: JsonObject, old: JsonObject) -> set[str]:
    new, before = (
        read(obj, "metadata.labels") or {},
        read(old, "metadata.labels") or {},
    )
    return {k for k in new.keys() | before.keys() if new.get(k) != before.get(k)}


def _refuse(request: AdmissionRequest, reason: str) -> status.StatusError:
    return status.forbidden(request.resource.group_resource, request.name, reason)
