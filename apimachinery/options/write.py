"""CreateOptions, UpdateOptions and PatchOptions.

Source: kubernetes/apimachinery pkg/apis/meta/v1/validation/validation.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from apimachinery.field_errors import (
    FieldError,
    forbidden,
    invalid,
    not_supported,
    required,
    too_long,
)
from apimachinery.options.checks import ROOT, dry_run_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.options.query import Query

__all__ = ["WriteOptions"]

_FIELD_VALIDATIONS: Final = ("", "Ignore", "Warn", "Strict")
_MAX_MANAGER: Final = 128


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """CreateOptions, UpdateOptions and PatchOptions: they share their members."""

    dry_run: tuple[str, ...] = ()
    field_manager: str = ""
    field_validation: str = ""
    force: bool | None = None

    @property
    def is_dry_run(self) -> bool:
        return bool(self.dry_run)

    @classmethod
    def from_query(cls, query: Query) -> Self:
        return cls(
            dry_run=tuple(query.all("dryRun")),
            field_manager=query.get("fieldManager"),
            field_validation=query.get("fieldValidation"),
            force=query.optional_boolean("force"),
        )

    def validate(self) -> list[FieldError]:
        """The rules of create and update."""
        return [
            *_field_manager_errors(self.field_manager),
            *dry_run_errors(self.dry_run),
            *self._field_validation_errors(),
        ]

    def validate_patch(self, *, apply: bool) -> list[FieldError]:
        """The rules of patch; ``apply`` is server-side apply."""
        errors: list[FieldError] = []
        if not apply and self.force is not None:
            errors.append(
                forbidden(
                    ROOT.child("force"), "may not be specified for non-apply patch"
                )
            )
        if apply and not self.field_manager:
            errors.append(
                required(ROOT.child("fieldManager"), "is required for apply patch")
            )
        return errors + self.validate()

    def _field_validation_errors(self) -> list[FieldError]:
        value = self.field_validation
        if value in _FIELD_VALIDATIONS:
            return []
        return [not_supported(ROOT.child("fieldValidation"), value, _FIELD_VALIDATIONS)]


def _field_manager_errors(manager: str) -> Iterable[FieldError]:
    path = ROOT.child("fieldManager")
    if len(manager) > _MAX_MANAGER:
        yield too_long(path, _MAX_MANAGER)
    for position, rune in enumerate(manager):
        if not rune.isprintable():
            yield invalid(
                path,
                manager,
                f"invalid character U+{ord(rune):04X} (at position {position})",
            )
            return
