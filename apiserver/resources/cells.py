"""Table cells that many kinds share.

Source: kubernetes/kubernetes pkg/printers/internalversion/printers.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from apimachinery.duration import human_duration
from apimachinery.meta import name_of, parse_time
from apimachinery.types import JsonObject
from apiserver.resources.registry import Column

__all__ = [
    "AGE",
    "CONTAINERS",
    "CREATED_AT",
    "IMAGES",
    "NAME",
    "NONE",
    "SELECTOR",
    "age_of",
    "boolean",
    "counted",
    "integer",
    "joined",
    "path",
    "read",
    "selector_text",
    "text",
    "wide",
]

NONE = "<none>"
_Cell = Callable[[JsonObject, float], Any]


def read(obj: Any, dotted: str) -> Any:
    """The value at a dotted path, or None."""
    for step in dotted.split("."):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return obj


def path(dotted: str, default: Any = "") -> _Cell:
    """A cell that shows one field."""

    def cell(obj: JsonObject, now: float) -> Any:
        value = read(obj, dotted)
        return default if value in (None, "") else value

    return cell


def age_of(timestamp: str | None, now: float) -> str:
    """How long ago a timestamp was, or `<unknown>`."""
    moment = parse_time(timestamp)
    return "<unknown>" if moment is None else human_duration(now - moment)


def joined(items: Iterable[str], empty: str = NONE) -> str:
    return ",".join(items) or empty


def label_text(labels: JsonObject | None) -> str:
    """`a=b,c=d` or `<none>`."""
    return joined(f"{k}={v}" for k, v in sorted((labels or {}).items()))


def text(name: str, dotted: str, description: str = "", default: Any = "") -> Column:
    return Column(name, path(dotted, default), description=description)


def integer(name: str, dotted: str, description: str = "") -> Column:
    return Column(name, path(dotted, 0), type="integer", description=description)


def boolean(name: str, dotted: str, description: str = "") -> Column:
    return Column(name, path(dotted, False), type="boolean", description=description)


def wide(name: str, dotted: str, description: str = "", default: Any = NONE) -> Column:
    return Column(name, path(dotted, default), wide=True, description=description)


def counted(name: str, *dotted: str, description: str = "") -> Column:
    """How many entries one or several fields hold together."""

    def cell(obj: JsonObject, now: float) -> str:
        return str(sum(len(read(obj, one) or ()) for one in dotted))

    return Column(name, cell, description=description)


def _template_containers(obj: JsonObject) -> list[JsonObject]:
    spec = read(obj, "spec.jobTemplate.spec") or obj.get("spec")
    return read(spec, "template.spec.containers") or []


def _container_names(obj: JsonObject, now: float) -> str:
    return joined((c.get("name", "") for c in _template_containers(obj)), "")


def _container_images(obj: JsonObject, now: float) -> str:
    return joined((c.get("image", "") for c in _template_containers(obj)), "")


def selector_text(selector: JsonObject) -> str:
    """metav1.FormatLabelSelector: match labels, then expressions in words."""
    if "matchLabels" not in selector and "matchExpressions" not in selector:
        return label_text(selector)
    terms = [f"{k}={v}" for k, v in sorted((selector.get("matchLabels") or {}).items())]
    terms += [_expression(e) for e in selector.get("matchExpressions") or ()]
    return joined(terms)


def _selector(obj: JsonObject, now: float) -> str:
    return selector_text(read(obj, "spec.selector") or {})


def _expression(expression: JsonObject) -> str:
    key, values = expression.get("key", ""), expression.get("values") or ()
    match expression.get("operator"):
        case "Exists":
            return str(key)
        case "DoesNotExist":
            return f"!{key}"
        case operator:
            word = "in" if operator == "In" else "notin"
            return f"{key} {word} ({','.join(sorted(values))})"


NAME = Column(
    "Name",
    lambda obj, now: name_of(obj),
    format="name",
    description="The object's name, unique in its namespace.",
)
AGE = Column(
    "Age",
    lambda obj, now: age_of(read(obj, "metadata.creationTimestamp"), now),
    description="Time since the object was created.",
)
CREATED_AT = Column(
    "Created At",
    path("metadata.creationTimestamp"),
    type="date",
    description="When the object was created.",
)
CONTAINERS = Column(
    "Containers",
    _container_names,
    wide=True,
    description="Names of the containers in the template.",
)
IMAGES = Column(
    "Images",
    _container_images,
    wide=True,
    description="Images of the containers in the template.",
)
SELECTOR = Column(
    "Selector", _selector, wide=True, description="Which pods belong to it."
)
