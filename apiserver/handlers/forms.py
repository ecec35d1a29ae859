"""Objects and lists in the form a client asked for: whole, as a Table, metadata only.

Source: kubernetes/apiserver pkg/endpoints/handlers/response.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.go_text import quote
from apimachinery.meta import metadata_of
from apimachinery.negotiation import Negotiated, Transform
from apiserver.resources.cells import CREATED_AT, NAME
from apiserver.response import negotiated_form

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Column, Resource

__all__ = [
    "LIST_TRANSFORMS",
    "OBJECT_TRANSFORMS",
    "Shape",
    "shape_of",
]

_META = "meta.k8s.io"
_VERSIONS = ("v1", "v1beta1")
_TABLES = frozenset(Transform("Table", version, _META) for version in _VERSIONS)
OBJECT_TRANSFORMS = _TABLES | {
    Transform("PartialObjectMetadata", version, _META) for version in _VERSIONS
}
LIST_TRANSFORMS = _TABLES | {
    Transform("PartialObjectMetadataList", version, _META) for version in _VERSIONS
}
_INCLUDE = ("", "Metadata", "Object", "None")
# A kind without a printer of its own shows this much.
_DEFAULT_COLUMNS = (NAME, CREATED_AT)


class Shape:
    """The form of one answer, ready to be applied to objects."""

    def __init__(
        self, context: RequestContext, resource: Resource, form: Negotiated
    ) -> None:
        self.form = form
        self._resource = resource
        self._columns = resource.columns or _DEFAULT_COLUMNS
        self._include = context.query.get("includeObject")
        self._clock = context.services.clock
        if self.is_table and self._include not in _INCLUDE:
            raise status.bad_request(
                f"unrecognized includeObject value: {quote(self._include)}"
            )

    @property
    def is_table(self) -> bool:
        return self.form.transform is not None and self.form.transform.kind == "Table"

    @property
    def is_whole(self) -> bool:
        """Objects go out as they are stored."""
        return self.form.transform is None

    def object(self, obj: JsonObject) -> JsonObject:
        """One object."""
        if self.is_whole:
            return obj
        if not self.is_table:
            return self._partial(obj)
        version = metadata_of(obj).get("resourceVersion", "")
        return self.table([obj], {"resourceVersion": version})

    def list(self, items: Iterable[JsonObject], metadata: JsonObject) -> JsonObject:
        """A list; `metadata` is its ListMeta."""
        if self.is_table:
            return self.table(items, metadata)
        if self.is_whole:
            kind, version = self._resource.list_kind, self._resource.group_version
        else:
            kind, version = "PartialObjectMetadataList", self._api_version
            items = [self._partial(item) for item in items]
        return {
            "kind": kind,
            "apiVersion": version,
            "metadata": metadata,
            "items": list(items),
        }

    def table(
        self,
        items: Iterable[JsonObject],
        metadata: JsonObject,
        *,
        with_columns: bool = True,
    ) -> JsonObject:
        """A Table; watches name the columns in their first event only."""
        now = self._clock()
        return {
            "kind": "Table",
            "apiVersion": self._api_version,
            "metadata": metadata,
            "columnDefinitions": [c.definition() for c in self._columns]
            if with_columns
            else None,
            "rows": [self._row(item, now) for item in items],
        }

    @property
    def _api_version(self) -> str:
        transform = self.form.transform
        return transform.api_version if transform else self._resource.group_version

    def _row(self, obj: JsonObject, now: float) -> JsonObject:
        row: JsonObject = {"cells": [column.cell(obj, now) for column in self._columns]}
        if self._resource.row_conditions is not None:
            conditions = self._resource.row_conditions(obj)
            if conditions:
                row["conditions"] = conditions
        match self._include:
            case "Object":
                row["object"] = obj
            case "None":
                row["object"] = None
            case _:
                row["object"] = self._partial(obj)
        return row

    def _partial(self, obj: JsonObject) -> JsonObject:
        return {
            "kind": "PartialObjectMetadata",
            "apiVersion": self._api_version,
            "metadata": obj.get("metadata") or {},
        }

    def columns(self) -> Iterable[Column]:
        return self._columns


def shape_of(
    context: RequestContext, resource: Resource, *, is_list: bool = False
) -> Shape:
    """Negotiate the form of an answer about a resource.

    Raises:
        StatusError: 406, 400.
    """
    transforms = LIST_TRANSFORMS if is_list else OBJECT_TRANSFORMS
    return Shape(context, resource, negotiated_form(context, transforms))
