"""Which nodes a pod's nodeSelector and node affinity admit and prefer.

Source: kubernetes/component-helpers scheduling/corev1/nodeaffinity/nodeaffinity.go:
terms are ORed, the requirements of a term are ANDed, and a term without any matches
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apimachinery.types import JsonObject

__all__ = ["admits", "preference"]


def admits(pod: JsonObject, node: JsonObject) -> bool:
    """Whether the node has all that the pod requires of a node."""
    labels = node["metadata"].get("labels", {})
    wanted = pod["spec"].get("nodeSelector") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    required = _node_affinity(pod).get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    terms = required.get("nodeSelectorTerms", [])
    return any(_matches(term, node) for term in terms)


def preference(pod: JsonObject, node: JsonObject) -> int:
    """The sum of the weights of the preferred terms that the node matches."""
    preferred = _node_affinity(pod).get(
        "preferredDuringSchedulingIgnoredDuringExecution", []
    )
    return sum(
        int(item.get("weight", 0))
        for item in preferred
        if _matches(item.get("preference", {}), node)
    )


def _node_affinity(pod: JsonObject) -> JsonObject:
    affinity: JsonObject = pod["spec"].get("affinity") or {}
    found: JsonObject = affinity.get("nodeAffinity") or {}
    return found


def _matches(term: JsonObject, node: JsonObject) -> bool:
    expressions = term.get("matchExpressions") or []
    fields = term.get("matchFields") or []
    if not expressions and not fields:
        return False
    labels = node["metadata"].get("labels", {})
    # The only field that may be selected by.
    names = {"metadata.name": node["metadata"]["name"]}
    return all(_holds(item, labels) for item in expressions) and all(
        _holds(item, names) for item in fields
    )


def _holds(requirement: JsonObject, labels: Mapping[str, str]) -> bool:
    operator = _OPERATORS.get(str(requirement.get("operator")))
    value = labels.get(str(requirement.get("key")))
    return operator is not None and operator(value, requirement.get("values") or [])


def _compare(value: str | None, values: list[str], sign: int) -> bool:
    try:
        return len(values) == 1 and (int(value or "") - int(values[0])) * sign > 0
    except ValueError:
        return False


_OPERATORS: Final[Mapping[str, Callable[[str | None, list[str]], bool]]] = {
    "In": lambda value, values: value in values,
    # "NotIn" and "DoesNotExist" also match nodes that have no such label.
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
    "Gt": lambda value, values: _compare(value, values, 1),
    "Lt": lambda value, values: _compare(value, values, -1),
}
