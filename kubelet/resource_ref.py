"""Requests and limits that containers may read: `resourceFieldRef`.

Source: kubernetes/kubernetes pkg/api/v1/resource/helpers.go
(ExtractContainerResourceValue): the value is divided and rounded up; a limit that is
not set reads as what the node can give.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from kubelet import amounts as quantities
from kubelet import pod as pods
from kubelet.field_ref import UnsupportedFieldError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apimachinery.types import JsonObject

__all__ = ["resource_value"]

_DEFAULT_TO_NODE = ("cpu", "memory", "ephemeral-storage")


def resource_value(
    pod: JsonObject,
    container: JsonObject,
    reference: JsonObject,
    allocatable: Mapping[str, str],
) -> str:
    """The whole number a container sees.

    Raises:
        UnsupportedFieldError: no such resource.
    """
    subject = container
    if wanted := reference.get("containerName"):
        subject = pods.container_named(pod, wanted) or container
    kind, _, resource = reference["resource"].partition(".")
    if kind not in ("limits", "requests") or not resource:
        raise UnsupportedFieldError(
            f"unsupported container resource : {reference['resource']}"
        )
    amounts = (subject.get("resources") or {}).get(kind) or {}
    text = amounts.get(resource)
    if text is None and kind == "limits" and resource in _DEFAULT_TO_NODE:
        text = allocatable.get(resource)
    divisor = quantities.parse(reference.get("divisor") or "1").amount or 1
    if text is None:
        return "0"
    return str(ceil(quantities.parse(text).amount / divisor))
