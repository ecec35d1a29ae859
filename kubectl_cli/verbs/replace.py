"""`replace`: put an object in the place of the one that is there.

Source: kubernetes/kubectl pkg/cmd/replace/replace.go.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.changes import (
    DRY_RUN_FLAG,
    VALIDATE_FLAG,
    DryRun,
    ResultPrinter,
    add_source,
    as_one,
    dry_run_of,
    raise_all,
    validates,
    write_query,
)
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS
from kubectl_cli.verbs.delete import DELETE_FLAGS, cascade_of, grace_of

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.documents.manifests import Manifest
    from kubectl_cli.flags import Options

SUMMARY = "Replace an object by file or stdin."
USE = "replace -f FILENAME"
EXAMPLES = "kubectl replace -f ./pod.json\nkubectl replace --force -f ./pod.json"
FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    *DELETE_FLAGS,
    DRY_RUN_FLAG,
    VALIDATE_FLAG,
    Flag("field-manager", default="kubectl-replace", help="Who owns the fields."),
    Flag("raw", help="A path to PUT the file to, as it is."),
    Flag("save-config", "bool", help="Keep the configuration for a later apply."),
    Flag("subresource", help="Replace this subresource."),
)


def run(options: Options, factory: Factory) -> int:
    """PUT each object; with --force delete each, then create all."""
    _validate(options)
    if options.text("raw"):
        from kubectl_cli.client.raw_requests import send_raw

        return send_raw("PUT", options, factory)
    from kubectl_cli.documents.manifests import split_manifests, visit_manifests

    visited = visit_manifests(
        options.items("filename"),
        factory,
        recursive=options.flag("recursive"),
        validates=validates(options),
    )
    found, unread = split_manifests(visited)
    if options.flag("force"):
        _delete(options, factory, found)
    printer = ResultPrinter(options, dry_run_of(options))
    errors: list[Exception] = []
    for manifest in found:
        verb = "creating" if options.flag("force") else "replacing"
        try:
            printer.show(_written(options, factory, manifest), "replaced")
        except (StatusError, CommandError) as error:
            errors.append(add_source(error, verb, manifest.source))
    raise_all(errors + as_one(unread))
    return 0


def _validate(options: Options) -> None:
    if not options.items("filename"):
        raise CommandError("must specify one of -f and -k")
    forced = options.flag("force")
    if options.number("grace-period") >= 0 and not forced:
        raise CommandError("--grace-period must have --force specified")
    if options.seconds("timeout") and not forced:
        raise CommandError("--timeout must have --force specified")
    if forced and dry_run_of(options) is not DryRun.NONE:
        raise CommandError("--dry-run can not be used when --force is set")


def _written(options: Options, factory: Factory, manifest: Manifest) -> JsonObject:
    obj, dry_run = manifest.object, dry_run_of(options)
    from kubectl_cli.applying.last_applied import last_applied, with_last_applied

    if options.flag("save-config") or last_applied(obj) is not None:
        obj = with_last_applied(obj)
    if dry_run is DryRun.CLIENT:
        return obj
    query = write_query(options, dry_run)
    if options.flag("force"):
        return factory.client.call("POST", manifest.collection, query, obj)
    sub = options.text("subresource")
    path = manifest.resource.path(manifest.namespace, manifest.name, sub)
    if not (obj["metadata"].get("resourceVersion")):
        # Source: cli-runtime helper.go Replace: without a version, that of now
        with contextlib.suppress(StatusError):  # it is the PUT that tells
            version = factory.client.get(path)["metadata"].get("resourceVersion")
            obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": version}}
    return factory.client.call("PUT", path, query, obj)


def _delete(options: Options, factory: Factory, found: list[Manifest]) -> None:
    """Delete what is there and wait until it is gone."""
    from kubectl_cli.deletion import deleted_text
    from kubectl_cli.waiting.until import wait_gone

    body: JsonObject = {"propagationPolicy": cascade_of(options)}
    if (grace := grace_of(options)) >= 0 and options.changed("grace-period"):
        body["gracePeriodSeconds"] = grace
    gone: list[Manifest] = []
    for manifest in found:
        try:
            factory.client.call("DELETE", manifest.path, body=body)
        except StatusError as error:
            if error.reason != "NotFound":
                raise
            continue
        gone.append(manifest)
        text = deleted_text(manifest.resource.label, manifest.name, manifest.namespace)
        print(text, flush=True)
    timeout = options.seconds("timeout")
    for manifest in gone:
        if not wait_gone(
            factory.client, manifest.collection, manifest.name, "", timeout
        ):
            raise CommandError("timed out waiting for the condition")
