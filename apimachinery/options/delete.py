"""DeleteOptions: from the body when there is one, else from the query.

Source: kubernetes/apimachinery pkg/apis/meta/v1/{conversion,validation/validation}.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, TypeVar

from apimachinery.field_errors import FieldError, invalid, not_supported
from apimachinery.go_json import wrong_field
from apimachinery.options.checks import ROOT, dry_run_errors
from apimachinery.status import bad_request

if TYPE_CHECKING:
    from apimachinery.options.query import Query
    from apimachinery.types import JsonObject

__all__ = ["DeleteOptions", "Preconditions"]


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What must still be true of the stored object."""

    uid: str | None = None
    resource_version: str | None = None


_POLICIES: Final = ("Foreground", "Background", "Orphan")


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How to delete; from the body when there is one, else from the query."""

    grace_period_seconds: int | None = None
    propagation_policy: str | None = None
    orphan_dependents: bool | None = None
    dry_run: tuple[str, ...] = ()
    preconditions: Preconditions = Preconditions()

    @property
    def is_dry_run(self) -> bool:
        return bool(self.dry_run)

    @classmethod
    def from_query(cls, query: Query) -> Self:
        """Read the query (Convert_url_Values_To_v1_DeleteOptions).

        Raises:
            StatusError: 400, a number cannot be read.
        """
        uid = query.get("uid") if query.has("uid") else None
        version = query.get("resourceVersion") if query.has("resourceVersion") else None
        return cls(
            grace_period_seconds=query.integer("gracePeriodSeconds"),
            propagation_policy=query.get("propagationPolicy") or None,
            orphan_dependents=query.optional_boolean("orphanDependents"),
            dry_run=tuple(query.all("dryRun")),
            preconditions=Preconditions(uid, version),
        )

    @classmethod
    def from_object(cls, body: JsonObject) -> Self:
        """Read a DeleteOptions object.

        Raises:
            StatusError: 400, the body is of another kind or a member has a wrong type.
        """
        kind = body.get("kind")
        if kind and kind != "DeleteOptions":
            raise bad_request(
                f"decoded object cannot be converted to DeleteOptions: {kind}"
            )
        preconditions = _member(body, "preconditions", dict, "object") or {}
        return cls(
            grace_period_seconds=_member(body, "gracePeriodSeconds", int, "int64"),
            propagation_policy=_member(body, "propagationPolicy", str, "string"),
            orphan_dependents=_member(body, "orphanDependents", bool, "bool"),
            dry_run=tuple(_member(body, "dryRun", list, "[]string") or ()),
            preconditions=Preconditions(
                _member(preconditions, "uid", str, "string"),
                _member(preconditions, "resourceVersion", str, "string"),
            ),
        )

    def validate(self) -> list[FieldError]:
        """dryRun, and at most one of orphanDependents and propagationPolicy."""
        errors = []
        path = ROOT.child("propagationPolicy")
        policy = self.propagation_policy
        if policy is not None and self.orphan_dependents is not None:
            errors.append(
                invalid(
                    path,
                    policy,
                    "orphanDependents and deletionPropagation cannot be both set",
                )
            )
        if policy is not None and policy not in _POLICIES:
            errors.append(not_supported(path, policy, (*_POLICIES, "nil")))
        return errors + dry_run_errors(self.dry_run)


_T = TypeVar("_T")


def _member(body: JsonObject, name: str, kind: type[_T], go_type: str) -> _T | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise bad_request(wrong_field(value, f"DeleteOptions.{name}", go_type))
    return value
