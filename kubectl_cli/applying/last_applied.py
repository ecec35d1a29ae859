"""The annotation in which apply keeps what it was given.

Source: kubernetes/kubectl pkg/util/apply.go.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from kubectl_cli.printers.json import compact

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["ANNOTATION", "last_applied", "last_applied_text", "with_last_applied"]

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"


def with_last_applied(obj: JsonObject, *, typed: bool = False) -> JsonObject:
    """The object with itself in its annotation: JSON without the annotation, a newline.

    What kubectl has made itself is `typed`: its fields keep the order of their type.
    """
    annotated = copy.deepcopy(obj)
    metadata = annotated.setdefault("metadata", {})
    annotations = metadata.get("annotations") or {}
    annotations.pop(ANNOTATION, None)
    metadata["annotations"] = annotations
    if typed:
        from kubectl_cli.printers.typed import in_type_order

        text = compact(in_type_order(obj), sort_keys=False)
    else:
        text = compact(annotated)
    annotations[ANNOTATION] = text + "\n"
    return annotated


def last_applied_text(obj: JsonObject) -> str:
    """The annotation as it is, "" when the object has none."""
    annotations: Any = (obj.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(ANNOTATION) or "")


def last_applied(obj: JsonObject) -> JsonObject | None:
    """What was applied last, None when the object does not say."""
    text = last_applied_text(obj)
    if not text:
        return None
    value: JsonObject = json.loads(text)
    return value
