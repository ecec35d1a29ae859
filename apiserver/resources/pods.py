"""Pods.

Source: kubernetes/kubernetes pkg/registry/core/pod/strategy.go and
pkg/apis/core/validation/validation.go.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar

from apimachinery.pod_defaults import default_pod_spec, qos_class
from apimachinery.validation import names
from apiserver.resources.cells import read
from apiserver.resources.pod_printing import POD_COLUMNS, pod_row_conditions
from apiserver.resources.registry import (
    Resource,
    Subresource,
    connect,
    part_of_object,
    post_only,
    read_only,
    status,
)
from apiserver.resources.strategy import Strategy

if TYPE_CHECKING:
    from apimachinery.field_errors import FieldError
    from apimachinery.types import JsonObject

__all__ = ["PODS", "PodStrategy"]

_FINISHED = ("Succeeded", "Failed")
_HOSTNAME_WARNING = (
    "metadata.name: this is used in the Pod's hostname, which can result in surprising"
    " behavior; a DNS label is recommended: "
)


class PodStrategy(Strategy):
    has_status: ClassVar = True
    tracks_generation: ClassVar = True
    returns_deleted_object: ClassVar = True
    selectable_fields: ClassVar = {
        "spec.nodeName": "spec.nodeName",
        "spec.host": "spec.nodeName",
        "spec.restartPolicy": "spec.restartPolicy",
        "spec.schedulerName": "spec.schedulerName",
        "spec.serviceAccountName": "spec.serviceAccountName",
        "spec.hostNetwork": "spec.hostNetwork",
        "status.phase": "status.phase",
        "status.podIP": "status.podIP",
        "status.podIPs": "status.podIP",
        "status.nominatedNodeName": "status.nominatedNodeName",
    }

    def default(self, obj: JsonObject) -> None:
        default_pod_spec(obj.setdefault("spec", {}))

    def initial_status(self, obj: JsonObject) -> JsonObject:
        return {"phase": "Pending", "qosClass": qos_class(obj.get("spec") or {})}

    def validate(self, obj: JsonObject) -> list[FieldError]:
        from apimachinery.validation import pods  # 10 ms: not at start

        return pods.validate_pod(obj)

    def warnings(self, obj: JsonObject) -> list[str]:
        complaints = names.dns1123_label(obj["metadata"].get("name", ""))
        if not complaints:
            return []
        return [f"{_HOSTNAME_WARNING}[{' '.join(complaints)}]"]

    def prepare_for_update(
        self, new: JsonObject, old: JsonObject, subresource: str
    ) -> None:
        match subresource:
            case "status":
                super().prepare_for_update(new, old, subresource)
                _restore_metadata(new, old, "ownerReferences")
            case "ephemeralcontainers":
                _keep_all_but_ephemeral(new, old)
            case "resize":
                _keep_all_but_resources(new, old)
            case "binding":
                pass  # made by the server itself, of the stored pod
            case _:
                super().prepare_for_update(new, old, subresource)
                _keep_ephemeral(new, old)

    def validate_update(
        self, new: JsonObject, old: JsonObject, subresource: str
    ) -> list[FieldError]:
        from apimachinery.validation import pods

        match subresource:
            case "":
                return pods.validate_pod_update(new, old)
            case "ephemeralcontainers":
                return pods.validate_ephemeral_containers_update(new, old)
            case _:
                return []

    def grace_seconds(self, obj: JsonObject, requested: int | None) -> int | None:
        """Zero when there is no kubelet that could end the pod's processes."""
        if not read(obj, "spec.nodeName"):
            return 0
        if read(obj, "status.phase") in _FINISHED:
            return 0
        seconds = requested
        if seconds is None:
            seconds = read(obj, "spec.terminationGracePeriodSeconds")
        if seconds is None:
            return 0
        return 1 if seconds < 0 else int(seconds)

    def field_value(self, obj: JsonObject, label: str) -> str | None:
        if label == "spec.hostNetwork":
            return "true" if read(obj, label) else "false"
        return super().field_value(obj, label)


def _restore_metadata(new: JsonObject, old: JsonObject, field: str) -> None:
    if field in old["metadata"]:
        new["metadata"][field] = old["metadata"][field]
    else:
        new["metadata"].pop(field, None)


def _keep_ephemeral(new: JsonObject, old: JsonObject) -> None:
    """Ephemeral containers change through their own path only."""
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    _copy_field(spec, before, "ephemeralContainers")


def _copy_field(to: JsonObject, source: JsonObject, field: str) -> None:
    if field in source:
        to[field] = source[field]
    else:
        to.pop(field, None)


def _keep_all_but_ephemeral(new: JsonObject, old: JsonObject) -> None:
    ephemeral = (new.get("spec") or {}).get("ephemeralContainers")
    _replace(new, old)
    if ephemeral:
        new["spec"]["ephemeralContainers"] = ephemeral
    default_pod_spec(new["spec"])


def _keep_all_but_resources(new: JsonObject, old: JsonObject) -> None:
    wanted = {
        container.get("name"): container
        for container in (new.get("spec") or {}).get("containers") or ()
    }
    _replace(new, old)
    for container in new["spec"].get("containers") or ():
        changed: Any = wanted.get(container["name"]) or {}
        for field in ("resources", "resizePolicy"):
            if field in changed:
                container[field] = changed[field]


def _replace(new: JsonObject, old: JsonObject) -> None:
    """Make `new` a copy of `old`, but for the version the client knew."""
    version = new["metadata"].get("resourceVersion")
    new.clear()
    new.update(copy.deepcopy(old))
    if version:
        new["metadata"]["resourceVersion"] = version


PODS = Resource(
    "",
    "v1",
    "pods",
    "Pod",
    namespaced=True,
    short_names=("po",),
    categories=("all",),
    subresources=(
        connect("attach", "PodAttachOptions"),
        post_only("binding", "Binding", "binding"),
        part_of_object("ephemeralcontainers"),
        post_only("eviction", "Eviction", "eviction", "policy", "v1"),
        connect("exec", "PodExecOptions"),
        read_only("log", "log", streams=True),
        connect("portforward", "PodPortForwardOptions"),
        Subresource(
            "proxy",
            ("create", "delete", "get", "patch", "update"),
            action="pod_proxy",
            kind="PodProxyOptions",
            streams=True,
        ),
        part_of_object("resize"),
        status(),
    ),
    columns=POD_COLUMNS,
    strategy=PodStrategy(),
    row_conditions=pod_row_conditions,
)
