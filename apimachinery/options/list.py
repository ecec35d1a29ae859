"""ListOptions: the query of list, watch and deletecollection.

Source: kubernetes/apimachinery pkg/apis/meta/internalversion/validation/validation.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from apimachinery import fields, labels
from apimachinery.field_errors import FieldError, forbidden, not_supported
from apimachinery.options.checks import ROOT
from apimachinery.status import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.options.query import Query

__all__ = ["ListOptions"]


@dataclass(frozen=True, slots=True)
class ListOptions:
    """The query of list, watch and deletecollection."""

    label_selector: labels.LabelSelector = labels.EVERYTHING
    field_selector: fields.FieldSelector = fields.EVERYTHING
    watch: bool = False
    allow_watch_bookmarks: bool = False
    resource_version: str = ""
    resource_version_match: str = ""
    timeout_seconds: int | None = None
    limit: int = 0
    continue_token: str = ""
    send_initial_events: bool | None = None

    @classmethod
    def from_query(cls, query: Query) -> Self:
        """Read the query.

        Raises:
            StatusError: 400, a selector or number cannot be read.
        """
        try:
            label_selector = labels.parse(query.get("labelSelector"))
            field_selector = fields.parse(query.get("fieldSelector"))
        except (labels.SelectorSyntaxError, fields.FieldSelectorError) as err:
            raise bad_request(str(err)) from None
        return cls(
            label_selector=label_selector,
            field_selector=field_selector,
            watch=query.boolean("watch"),
            allow_watch_bookmarks=query.boolean("allowWatchBookmarks"),
            resource_version=query.get("resourceVersion"),
            resource_version_match=query.get("resourceVersionMatch"),
            timeout_seconds=query.integer("timeoutSeconds"),
            limit=query.integer("limit") or 0,
            continue_token=query.get("continue"),
            send_initial_events=query.optional_boolean("sendInitialEvents"),
        )

    def validate(self, *, watch_list_enabled: bool = True) -> list[FieldError]:
        """The rules of resourceVersionMatch and sendInitialEvents."""
        if self.watch:
            return list(self._watch_errors(watch_list_enabled))
        return list(self._list_errors())

    def _list_errors(self) -> Iterable[FieldError]:
        path, match = ROOT.child("resourceVersionMatch"), self.resource_version_match
        if match and not self.resource_version:
            yield forbidden(
                path,
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            )
        if match and self.continue_token:
            yield forbidden(path, _MATCH_WITH_CONTINUE)
        if match not in ("", "Exact", "NotOlderThan"):
            yield not_supported(path, match, ("Exact", "NotOlderThan", ""))
        if match == "Exact" and self.resource_version == "0":
            yield forbidden(
                path,
                'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
            )
        if self.send_initial_events is not None:
            yield forbidden(
                ROOT.child("sendInitialEvents"),
                "sendInitialEvents is forbidden for list",
            )

    def _watch_errors(self, enabled: bool) -> Iterable[FieldError]:
        path, match = ROOT.child("resourceVersionMatch"), self.resource_version_match
        if self.send_initial_events is not None:
            if match != "NotOlderThan":
                yield forbidden(
                    path,
                    "sendInitialEvents requires setting resourceVersionMatch to"
                    " NotOlderThan",
                )
            if not enabled:
                yield forbidden(
                    ROOT.child("sendInitialEvents"),
                    "sendInitialEvents is forbidden for watch unless the WatchList"
                    " feature gate is enabled",
                )
        elif match:
            yield forbidden(
                path,
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents"
                " is provided",
            )
        if match not in ("", "NotOlderThan"):
            yield not_supported(path, match, ("NotOlderThan",))
        if match and self.continue_token:
            yield forbidden(path, _MATCH_WITH_CONTINUE)


_MATCH_WITH_CONTINUE = "resourceVersionMatch is forbidden when continue is provided"
