"""Taints repel pods from a node, tolerations let them in.

Source: kubernetes/component-helpers scheduling/corev1/helpers.go;
kubernetes/api core/v1/toleration.go (ToleratesTaint).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from apimachinery.types import JsonObject

__all__ = ["tolerates", "untolerated"]


def tolerates(toleration: JsonObject, taint: JsonObject) -> bool:
    """Whether one toleration covers one taint. An empty field stands for all."""
    effect = toleration.get("effect")
    if effect and effect != taint.get("effect"):
        return False
    key = toleration.get("key")
    if key and key != taint.get("key"):
        return False
    # "operator: Equal is the default"; with Exists the value says nothing.
    if toleration.get("operator", "Equal") == "Exists":
        return True
    same: bool = toleration.get("value", "") == taint.get("value", "")
    return bool(key) and same


def untolerated(
    taints: Iterable[JsonObject],
    tolerations: Collection[JsonObject],
    effects: Collection[str],
) -> list[JsonObject]:
    """The taints of these effects that no toleration covers."""
    return [
        taint
        for taint in taints
        if taint.get("effect") in effects
        and not any(tolerates(toleration, taint) for toleration in tolerations)
    ]
