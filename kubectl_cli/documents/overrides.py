"""--overrides: JSON that changes a generated object.

Source: kubernetes/kubectl pkg/cmd/util/override_options.go, helpers.go (Merge,
StrategicMerge, JSONPatch).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kubectl_cli.errors import CommandError

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["override"]


def override(obj: JsonObject, text: str, kind: str) -> JsonObject:
    """The object with the overrides in it; fields keep the order of their type."""
    if kind not in ("json", "merge", "strategic"):
        raise CommandError(f"invalid override type: {kind}")
    try:
        patch: Any = json.loads(text)
    except ValueError:
        raise CommandError("Invalid JSON Patch") from None
    if kind == "json":
        from apimachinery.patch.json import JsonPatchError, apply

        try:
            result: JsonObject = apply(obj, patch)
        except JsonPatchError as error:
            raise CommandError(str(error)) from None
    elif kind == "merge":
        from apimachinery.patch.merge import merge

        result = merge(obj, patch)
    else:
        from apimachinery.patch.strategic import merge as strategic_merge
        from apimachinery.schema import lookup

        message = lookup(obj["apiVersion"], obj["kind"])
        result = strategic_merge(obj, patch, message)
    return _as_type_writes(result)


def _as_type_writes(pod: JsonObject) -> JsonObject:
    """What a Pod writes always: each container has resources, and there is a status."""
    for container in (pod.get("spec") or {}).get("containers") or ():
        container.setdefault("resources", {})
    pod.setdefault("status", {})
    return pod
