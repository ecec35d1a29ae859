"""What a Go type writes though nobody has set it.

A manifest leaves these fields out; kubectl shows them once it has read it as a type.
Source: kubernetes/api core/v1, apps/v1, batch/v1 types.go: fields without `omitempty`,
and structs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_cli.setting.pod_specs import PATHS

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["with_zeros"]

_SPEC: dict[str, JsonObject] = {
    "DaemonSet": {"selector": None, "updateStrategy": {}},
    "Deployment": {"selector": None, "strategy": {}},
    "ReplicaSet": {"selector": None},
    "StatefulSet": {"selector": None, "serviceName": "", "updateStrategy": {}},
}
_STATUS: dict[str, JsonObject] = {
    "DaemonSet": {
        "currentNumberScheduled": 0,
        "desiredNumberScheduled": 0,
        "numberMisscheduled": 0,
        "numberReady": 0,
    },
    "ReplicaSet": {"replicas": 0},
    "ReplicationController": {"replicas": 0},
    "Service": {"loadBalancer": {}},
    "StatefulSet": {"availableReplicas": 0, "replicas": 0},
}


def with_zeros(obj: JsonObject) -> JsonObject:
    """The object itself, if it is a pod, a workload or a service, with these fields."""
    kind = str(obj.get("kind"))
    if kind in PATHS or kind == "Service":
        _fill(obj, "spec", _SPEC.get(kind, {}))
        _fill(obj, "status", _STATUS.get(kind, {}))
    here: Any = obj
    for key in PATHS.get(kind, ()):
        here = here.setdefault(key, {})
        if key in ("jobTemplate", "template"):
            here.setdefault("metadata", {})
    for key in ("initContainers", "containers"):
        for container in here.get(key) or ():
            container.setdefault("resources", {})
            for variable in container.get("env") or ():
                if field := (variable.get("valueFrom") or {}).get("resourceFieldRef"):
                    field.setdefault("divisor", "0")
    if kind == "Service":
        for port in obj["spec"].get("ports") or ():
            port.setdefault("targetPort", 0)
    return obj


def _fill(obj: JsonObject, key: str, zeros: JsonObject) -> None:
    obj[key] = {**zeros, **(obj.get(key) or {})}
