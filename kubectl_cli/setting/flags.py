"""The flags that the commands of `set` have in common."""

from __future__ import annotations

from kubectl_cli.changes import DRY_RUN_FLAG
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS

__all__ = ["CONTAINERS_FLAG", "SELECTOR_FLAG", "SET_FLAGS"]

SET_FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    DRY_RUN_FLAG,
    Flag("all", "bool", help="All objects of the type in the namespace."),
    Flag("field-manager", default="kubectl-set", help="Who owns the fields."),
    Flag("local", "bool", help="Change the object of the file, ask no server."),
)
SELECTOR_FLAG = Flag("selector", short="l", help="Only objects with these labels.")
CONTAINERS_FLAG = Flag(
    "containers",
    default="*",
    short="c",
    help="Only in these containers; * is any text.",
)
