"""`scale`: set how many pods a workload has.

Source: kubernetes/kubectl pkg/cmd/scale/scale.go, pkg/scale/scale.go.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.changes import (
    DRY_RUN_FLAG,
    DryRun,
    ResultPrinter,
    dry_run_of,
    raise_all,
)
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.selected import Selected

SUMMARY = "Set how many pods a workload has."
USE = (
    "scale [--resource-version=version] [--current-replicas=count] --replicas=COUNT"
    " (-f FILENAME | TYPE NAME)"
)
EXAMPLES = "kubectl scale --replicas=3 deployment/mysql"
FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    DRY_RUN_FLAG,
    Flag("all", "bool", help="All objects of the type in the namespace."),
    Flag("current-replicas", "int", -1, help="Require that there are so many now."),
    Flag("replicas", "int", 0, help="How many there shall be."),
    Flag("resource-version", help="Require that the object has not changed since."),
    Flag("selector", short="l", help="Only objects with these labels."),
    Flag("timeout", "duration", 0.0, help="How long to wait for it; 0: not at all."),
)
REQUIRED = ("replicas",)
_POLL = 1.0  # seconds, scale.go


def run(options: Options, factory: Factory) -> int:
    """Scale each object; one that cannot be does not stop the others."""
    if options.number("replicas") < 0:
        raise CommandError(
            "The --replicas=COUNT flag is required, and COUNT must be greater than or"
            " equal to 0"
        )
    if options.number("current-replicas") < -1:
        raise CommandError(
            "The --current-replicas must specify an integer of -1 or greater"
        )
    from kubectl_cli.selecting.selected import Selected, select_objects

    dry_run = dry_run_of(options)
    printer = ResultPrinter(options, dry_run)
    errors: list[Exception] = []
    for each in select_objects(options, factory, options.args):
        try:
            if not isinstance(each, Selected):
                raise each
            if dry_run is not DryRun.CLIENT:
                _scale(options, factory, each, dry_run)
            printer.show(each.object, "scaled", each.label)
        except (StatusError, CommandError) as error:
            errors.append(error)
    raise_all(errors)
    return 0


def _scale(options: Options, factory: Factory, each: Selected, dry_run: DryRun) -> None:
    path = each.resource.path(each.namespace, each.name, "scale")
    query: Query = [("dryRun", "All")] if dry_run is DryRun.SERVER else []
    wanted = options.number("replicas")
    if options.number("current-replicas") < 0 and not options.text("resource-version"):
        kind = "application/merge-patch+json"
        patch = {"spec": {"replicas": wanted}}
        try:
            factory.client.call("PATCH", path, query, patch, content_type=kind)
        except StatusError as error:
            raise _named(error, each) from None
    else:
        scale = factory.client.get(path)
        _require(options, scale)
        scale.setdefault("spec", {})["replicas"] = wanted
        factory.client.call("PUT", path, query, scale)
    if options.seconds("timeout") and dry_run is DryRun.NONE:
        _wait(factory, path, wanted, options.seconds("timeout"))


def _named(error: StatusError, each: Selected) -> StatusError:
    """client-go says of what it was when the answer does not: there is no scale."""
    if not error.message.endswith("the server could not find the requested resource"):
        return error
    message = f"{error.message} (patch {each.resource.name} {each.name})"
    return StatusError({**error.status, "message": message})


def _require(options: Options, scale: JsonObject) -> None:
    now, wanted = (
        (scale.get("spec") or {}).get("replicas") or 0,
        options.number("current-replicas"),
    )
    if wanted not in (-1, now):
        raise CommandError(f"Expected replicas to be {wanted}, was {now}")
    version = str(scale["metadata"].get("resourceVersion") or "")
    if options.text("resource-version") not in ("", version):
        raise CommandError(
            f"Expected resource version to be {options.text('resource-version')},"
            f" was {version}"
        )


def _wait(factory: Factory, path: str, wanted: int, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        scale = factory.client.get(path)
        status = scale.get("status") or {}
        if (status.get("replicas") or 0) == wanted:
            return
        if time.monotonic() + _POLL > deadline:
            raise CommandError("timed out waiting for the condition")
        time.sleep(_POLL)
