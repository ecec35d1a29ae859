"""The pod spec inside an object, and its containers.

Source: kubernetes/kubectl pkg/polymorphichelpers/updatepodspecforobject.go,
pkg/cmd/set/helper.go (selectContainers).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kubectl_cli.errors import CommandError

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.selecting.selected import Selected

__all__ = ["PATHS", "containers_named", "pod_spec"]

_TEMPLATE = ("spec", "template", "spec")
#: Where the spec of the pods stands in an object, by kind.
PATHS = {
    "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
    "DaemonSet": _TEMPLATE,
    "Deployment": _TEMPLATE,
    "Job": _TEMPLATE,
    "Pod": ("spec",),
    "ReplicaSet": _TEMPLATE,
    "ReplicationController": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
}


def pod_spec(each: Selected, obj: JsonObject) -> JsonObject:
    """The part of `obj` that is a pod's spec.

    Raises:
        CommandError: it has none.
    """
    kind = str(obj.get("kind"))
    path = PATHS.get(kind)
    if path is None:
        raise CommandError(
            "the object is not a pod or does not have a pod template:"
            f" *{each.resource.version}.{kind}"
        )
    spec: Any = obj
    for key in path:
        spec = spec[key]
    found: JsonObject = spec
    return found


def containers_named(spec: JsonObject, pattern: str) -> list[JsonObject]:
    """The containers whose names match, those for the start last."""
    name = re.compile(".*".join(map(re.escape, pattern.split("*"))))
    return [
        container
        for key in ("containers", "initContainers")
        for container in spec.get(key) or ()
        if name.fullmatch(container["name"])
    ]
