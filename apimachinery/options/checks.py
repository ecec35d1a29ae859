"""What several options share: the refusal, and the rule of dryRun.

Source: kubernetes/apimachinery pkg/apis/meta/v1/validation/validation.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apimachinery.field_errors import FieldError, Path, not_supported
from apimachinery.gvk import GroupKind
from apimachinery.status import invalid as invalid_object

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["META_GROUP", "ROOT", "check", "dry_run_errors"]

META_GROUP: Final = "meta.k8s.io"
ROOT: Final = Path()


def check(kind: str, errors: list[FieldError], group: str = META_GROUP) -> None:
    """Refuse options that have errors.

    Raises:
        StatusError: 422 Invalid, about ``KIND.GROUP`` with an empty name.
    """
    if errors:
        raise invalid_object(GroupKind(group, kind), "", errors)


def dry_run_errors(values: Sequence[str]) -> list[FieldError]:
    """``All`` is the only value there is."""
    path = ROOT.child("dryRun")
    if any(value != "All" for value in values):
        return [not_supported(path, list(values), ("All",))]
    return []
