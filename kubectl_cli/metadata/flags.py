"""The flags that label and annotate share."""

from __future__ import annotations

from kubectl_cli.changes import DRY_RUN_FLAG
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS

__all__ = ["metadata_flags"]


def metadata_flags(manager: str) -> tuple[Flag, ...]:
    """The table, with this default of --field-manager."""
    return (
        *PRINT_FLAGS,
        *FILE_FLAGS,
        DRY_RUN_FLAG,
        Flag("all", "bool", help="All objects of the types in the namespace."),
        Flag("all-namespaces", "bool", short="A", help="In all namespaces."),
        Flag("field-manager", default=manager, help="Who owns the fields."),
        Flag("field-selector", help="Only objects with these field values."),
        Flag("list", "bool", help="Print what there is."),
        Flag("local", "bool", help="Change the object of the file, ask no server."),
        Flag("overwrite", "bool", help="Values that are there may be replaced."),
        Flag("resource-version", help="Only if the object still has this version."),
        Flag("selector", short="l", help="Only objects with these labels."),
    )
