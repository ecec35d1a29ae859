"""resources: requests and limits of a container.

Source: kubernetes/kubernetes pkg/apis/core/validation/validation.go
(ValidateContainerResourceRequirements, validateResourceQuantityValue).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apimachinery.field_errors import FieldError, Path, forbidden, invalid, required
from apimachinery.quantity import Quantity, QuantityError
from apimachinery.validation import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject

__all__ = ["container_resources"]

_STANDARD: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
_HUGE_PAGES: Final = "hugepages-"
_WHOLE: Final = "must be an integer"


def container_resources(resources: JsonObject, path: Path) -> Iterator[FieldError]:
    """Names, signs, and requests against limits."""
    limits = resources.get("limits") or {}
    requests = resources.get("requests") or {}
    for member, amounts in (("limits", limits), ("requests", requests)):
        for name, text in sorted(amounts.items()):
            yield from _amount(name, text, path.child(member).key(name))
    yield from _requests_within_limits(requests, limits, path)
    if any(name.startswith(_HUGE_PAGES) for name in (*limits, *requests)) and not (
        {"cpu", "memory"} & {*limits, *requests}
    ):
        yield forbidden(path, "HugePages require cpu or memory")


def _amount(name: str, text: str, path: Path) -> Iterator[FieldError]:
    yield from _resource_name(name, path)
    try:
        amount = Quantity.parse(text)
    except QuantityError as err:
        yield invalid(path, text, str(err))
        return
    if amount.amount < 0:
        yield invalid(path, str(text), "must be greater than or equal to 0")
    if _is_whole(name) and amount.amount.denominator != 1:
        yield invalid(path, str(text), _WHOLE)


def _resource_name(name: str, path: Path) -> Iterator[FieldError]:
    for complaint in names.qualified_name(name):
        yield invalid(path, name, complaint)
    if "/" not in name and name not in _STANDARD and not name.startswith(_HUGE_PAGES):
        yield invalid(path, name, "must be a standard resource for containers")


def _is_whole(name: str) -> bool:
    return "/" in name and not name.partition("/")[0].endswith("kubernetes.io")


def _requests_within_limits(
    requests: JsonObject, limits: JsonObject, path: Path
) -> Iterator[FieldError]:
    at = path.child("requests")
    for name, text in sorted(requests.items()):
        limit = limits.get(name)
        if limit is None:
            if _is_whole(name):
                yield required(
                    path.child("limits"),
                    "Limit must be set for non overcommitable resources",
                )
            continue
        try:
            asked, most = Quantity.parse(text), Quantity.parse(limit)
        except QuantityError:
            continue  # said above
        if _is_whole(name) and asked.amount != most.amount:
            yield invalid(at, str(text), f"must be equal to {name} limit of {most}")
        elif most < asked:
            text = f"must be less than or equal to {name} limit of {most}"
            yield invalid(at, str(asked), text)
