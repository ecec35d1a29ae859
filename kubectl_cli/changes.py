"""What the commands that change objects share: dry runs, field managers, results.

Source: kubernetes/kubectl pkg/cmd/util/helpers.go (GetDryRunStrategy,
GetValidationDirective), kubernetes/cli-runtime pkg/printers/name.go.
"""

from __future__ import annotations

import sys
from enum import Enum

from kubectl_cli.errors import AggregateError, CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import (
    COMMON_FORMATS,
    make_printer,
    name_of,
    split_format,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.rest import Query
    from kubectl_cli.flags import Options

__all__ = [
    "DRY_RUN_FLAG",
    "VALIDATE_FLAG",
    "DryRun",
    "ResultPrinter",
    "add_source",
    "as_one",
    "dry_run_of",
    "raise_all",
    "validates",
    "write_query",
]

DRY_RUN_FLAG = Flag(
    "dry-run",
    default="none",
    bare="unchanged",
    help="none, server or client: do not really change anything.",
)
VALIDATE_FLAG = Flag(
    "validate",
    default="strict",
    bare="strict",
    help="strict, warn or ignore: unknown and duplicate fields.",
)


class DryRun(Enum):
    """Who stops before the change: nobody, us, or the server."""

    NONE = ""
    CLIENT = " (dry run)"
    SERVER = " (server dry run)"


def dry_run_of(options: Options) -> DryRun:
    """Read --dry-run."""
    match options.text("dry-run"):
        case "client":
            return DryRun.CLIENT
        case "server":
            return DryRun.SERVER
        case "none":
            return DryRun.NONE
        case "unchanged":
            raise CommandError(
                "--dry-run flag without a value was specified. A value must be set:"
                ' "none", "server", or "client".'
            )
        case other:
            raise CommandError(
                f'Invalid dry-run value ({other}). Must be "none", "server", or'
                ' "client".'
            )


def write_query(options: Options, dry_run: DryRun = DryRun.NONE) -> Query:
    """Who writes, how strictly the server looks at fields, and whether it is real."""
    query: Query = [("fieldManager", options.text("field-manager"))]
    if options.has("validate"):
        query.append(("fieldValidation", _validation(options.text("validate"))))
    if dry_run is DryRun.SERVER:
        query.append(("dryRun", "All"))
    return query


def validates(options: Options) -> bool:
    """Whether objects are looked at before they are sent."""
    return _validation(options.text("validate")) != "Ignore"


def _validation(text: str) -> str:
    match text.lower():
        case "strict" | "true" | "1":
            return "Strict"
        case "warn":
            return "Warn"
        case "ignore" | "false" | "0":
            return "Ignore"
    raise CommandError(
        f'invalid - validate option "{text}"; must be one of: strict (or true), warn,'
        " ignore (or false)"
    )


class ResultPrinter:
    """Says what was done to an object, or prints it in the format of -o."""

    def __init__(
        self, options: Options, dry_run: DryRun = DryRun.NONE, *, typed: bool = False
    ) -> None:
        self._options = options
        self._suffix = dry_run.value
        self._printer = make_printer(options, COMMON_FORMATS, typed=typed)
        self.names_only = split_format(options)[0] in ("", "name")

    def show(self, obj: JsonObject, operation: str, label: str = "") -> None:
        """`pod/p1 created`, or the object."""
        if self._printer is None:
            print(f"{label or name_of(obj)} {operation}{self._suffix}")
            return
        sys.stdout.write(self._printer.render(obj))


def as_one(errors: list[Exception]) -> list[Exception]:
    """The errors as a single one, or none."""
    return [AggregateError(errors)] if len(errors) > 1 else list(errors)


def raise_all(errors: list[Exception]) -> None:
    """Raise what went wrong, if anything did."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise AggregateError(errors)


def add_source(error: Exception, verb: str, source: str) -> Exception:
    """`error when creating "f.yaml": ...`: where the object came from."""
    from apimachinery.go_text import quote
    from apimachinery.status import StatusError

    if not source:
        return error
    text = f"error when {verb} {quote(source)}: {error}"
    if isinstance(error, StatusError):
        return StatusError({**error.status, "message": text})
    if isinstance(error, CommandError):
        return CommandError(text)
    return error
