"""`diff`: what an `apply` of these files would change.

Source: kubernetes/kubectl pkg/cmd/diff/diff.go.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from typing import Any

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.documents.manifests import Manifest
    from kubectl_cli.flags import Options

SUMMARY = "Show what an apply would change."
USE = "diff -f FILENAME"
EXAMPLES = "kubectl diff -f pod.json\ncat service.yaml | kubectl diff -f -"
FLAGS = (
    *FILE_FLAGS,
    Flag("concurrency", "int", 1, help="Accepted for compatibility."),
    Flag("field-manager", default="kubectl-client-side-apply", help="Who applies."),
    Flag("force-conflicts", "bool", help="With --server-side: take others' fields."),
    Flag("selector", short="l", help="Only objects with these labels."),
    Flag("server-side", "bool", help="Let the server put the fields together."),
    Flag("show-managed-fields", "bool", help="Show who owns the fields, too."),
)
_FAILED = 2  # 1 says that there are differences
_PROGRAM = "KUBECTL_EXTERNAL_DIFF"


def run(options: Options, factory: Factory) -> int:
    """0 for no difference, 1 for some, more for an error."""
    try:
        return _run(options, factory)
    except Exception as error:  # noqa: BLE001 - an error of any sort has this code
        from kubectl_cli.failures import report

        return max(report(error), _FAILED)


def _run(options: Options, factory: Factory) -> int:
    if options.args:
        words = " ".join(options.args)
        raise UsageError(f"Unexpected args: [{words}]", "kubectl diff")
    if not options.items("filename"):
        raise CommandError("must specify one of -f and -k")
    if options.flag("force-conflicts") and not options.flag("server-side"):
        raise CommandError("--force-conflicts only works with --server-side")
    from kubectl_cli.documents.manifests import visit_manifests
    from kubectl_cli.selecting.labels import matches_labels

    with (
        tempfile.TemporaryDirectory(prefix="LIVE-") as live_folder,
        tempfile.TemporaryDirectory(prefix="MERGED-") as merged_folder,
    ):
        files, recursive = options.items("filename"), options.flag("recursive")
        for manifest in visit_manifests(files, factory, recursive=recursive):
            if isinstance(manifest, CommandError):
                raise manifest
            if not matches_labels(manifest.object, options.text("selector")):
                continue
            live, merged = _both(options, factory, manifest)
            name = _file_name(manifest)
            _write(options, live_folder, name, live)
            _write(options, merged_folder, name, merged)
        return _compare(live_folder, merged_folder)


def _both(
    options: Options, factory: Factory, manifest: Manifest
) -> tuple[JsonObject | None, JsonObject]:
    """The object as it is, None for not at all, and as it would be."""
    from apimachinery.status import StatusError

    try:
        live: JsonObject | None = factory.client.get(manifest.path)
    except StatusError as error:
        if error.reason != "NotFound":
            raise
        live = None
    merged = _merged(options, factory, manifest, live)
    if manifest.resource.kind == "Secret" and not manifest.resource.group:
        _mask(live, merged)
    return live, merged


def _merged(
    options: Options, factory: Factory, manifest: Manifest, live: JsonObject | None
) -> JsonObject:
    from kubectl_cli.applying.applier import make_patch
    from kubectl_cli.client.rest import APPLY_PATCH

    query: Query = [("dryRun", "All"), ("fieldManager", options.text("field-manager"))]
    client = factory.client
    if options.flag("server-side"):
        force = "true" if options.flag("force-conflicts") else "false"
        if not options.changed("field-manager"):
            query[1] = ("fieldManager", "kubectl")
        query.append(("force", force))
        return client.call(
            "PATCH", manifest.path, query, manifest.object, content_type=APPLY_PATCH
        )
    if live is None:
        return client.call("POST", manifest.collection, query, manifest.object)
    patch, kind = make_patch(manifest, live, annotates=False)
    return client.call("PATCH", manifest.path, query, patch, content_type=kind)


def _mask(live: JsonObject | None, merged: JsonObject) -> None:
    """Hide the data, but not whether they change.

    Like kubectl's Masker it leaves alone what the annotation of apply holds.
    """
    before: dict[str, str] = (live or {}).get("data") or {}
    after: dict[str, str] = merged.get("data") or {}
    for key in before.keys() | after.keys():
        same = before.get(key) == after.get(key)
        both = key in before and key in after
        if key in before:
            shown = "*** (before)" if both and not same else "***"
            _put(live, key, shown)
        if key in after:
            shown = "*** (after)" if both and not same else "***"
            _put(merged, key, shown)


def _put(obj: Any, key: str, shown: str) -> None:
    obj["data"] = {**obj["data"], key: shown}


def _file_name(manifest: Manifest) -> str:
    resource = manifest.resource
    group = f"{resource.group}." if resource.group else ""
    where = f"{manifest.namespace}.{manifest.name}"
    return f"{group}{resource.version}.{resource.kind}.{where}"


def _write(options: Options, folder: str, name: str, obj: JsonObject | None) -> None:
    """The object as a file; one that is not there is none, which diff -N understands."""
    if obj is None:
        return
    from kubectl_cli.printers.objects import without_managed_fields
    from kubectl_cli.printers.yaml import to_yaml

    if not options.flag("show-managed-fields"):
        obj = without_managed_fields(obj)
    with open(os.path.join(folder, name), "w", encoding="utf-8") as stream:
        stream.write(to_yaml(obj))


def _compare(live_folder: str, merged_folder: str) -> int:
    """Run diff(1), or the program of the environment; its exit code."""
    chosen = os.environ.get(_PROGRAM, "").split()
    command = chosen or ["diff", "-u", "-N"]
    sys.stdout.flush()
    try:
        done = subprocess.run([*command, live_folder, merged_folder], check=False)
    except FileNotFoundError:
        raise CommandError(
            f'failed to run "{command[0]}": exec: "{command[0]}": executable file not'
            " found in $PATH"
        ) from None
    return done.returncode
