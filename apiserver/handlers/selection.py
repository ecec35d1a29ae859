"""Which objects a list, a watch or a deletecollection is about.

Source: kubernetes/kubernetes pkg/apis/core/v1/conversion.go (field labels);
kubernetes/apiserver pkg/endpoints/handlers/get.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.go_text import quote
from apimachinery.meta import labels_of, name_of, namespace_of
from apimachinery.options import ListOptions, check

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource

__all__ = ["Selection", "selection_of"]

_NAME, _NAMESPACE = "metadata.name", "metadata.namespace"
# These groups name an unknown label in fewer words than the others.
_TERSE_GROUPS = ("", "events.k8s.io", "certificates.k8s.io")


@dataclass(frozen=True, slots=True)
class Selection:
    """The options of a request, and the predicate over stored objects they make."""

    options: ListOptions
    prefix: str
    predicate: Callable[[JsonObject], bool] | None


def selection_of(
    context: RequestContext, resource: Resource, *, watch: bool = False
) -> Selection:
    """Read and check the selectors.

    Raises:
        StatusError: 400 for a selector, 422 for a combination of options.
    """
    options = ListOptions.from_query(context.query)
    info = context.info
    if watch != options.watch:
        options = _as_watch(options, watch)
    check("ListOptions", options.validate())
    _check_fields(resource, options)
    namespace = info.namespace if resource.namespaced else ""
    prefix = resource.key(namespace, "") if namespace else resource.storage_prefix
    name = info.name if info.name_in_path else ""
    return Selection(options, prefix, _predicate(resource, options, name))


def _as_watch(options: ListOptions, watch: bool) -> ListOptions:
    from dataclasses import replace

    return replace(options, watch=watch)


def _check_fields(resource: Resource, options: ListOptions) -> None:
    known = {_NAME, *resource.strategy.selectable_fields}
    if resource.namespaced or resource.group not in _TERSE_GROUPS:
        known.add(_NAMESPACE)
    for term in options.field_selector.terms:
        if term.field not in known:
            raise status.bad_request(_unsupported(resource, term.field))


def _unsupported(resource: Resource, label: str) -> str:
    if resource.group in _TERSE_GROUPS:
        return f"field label not supported: {label}"
    if resource.strategy.selectable_fields:
        return f"field label {quote(label)} not supported for {resource.kind}"
    return (
        f"{quote(label)} is not a known field selector: only"
        f" {quote(_NAME)}, {quote(_NAMESPACE)}"
    )


def _predicate(
    resource: Resource, options: ListOptions, name: str
) -> Callable[[JsonObject], bool] | None:
    labels, fields = options.label_selector, options.field_selector
    if labels.empty and fields.empty and not name:
        return None
    from_stored = resource.stored_as.from_stored if resource.stored_as else None

    def selects(stored: JsonObject) -> bool:
        if name and name_of(stored) != name:
            return False
        if not labels.empty and not labels.matches(labels_of(stored)):
            return False
        if fields.empty:
            return True
        obj = from_stored(stored) if from_stored else stored
        values = {t.field: _field(resource, obj, t.field) for t in fields.terms}
        return fields.matches(values)

    return selects


def _field(resource: Resource, obj: JsonObject, label: str) -> str:
    if label == _NAME:
        return name_of(obj)
    if label == _NAMESPACE:
        return namespace_of(obj)
    return resource.strategy.field_value(obj, label) or ""
