"""`apply set-last-applied`: let objects keep files as what was applied last.

Source: kubernetes/kubectl pkg/cmd/apply/apply_set_last_applied.go,
pkg/cmd/util/editor/editoptions.go (GetApplyPatch).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.changes import DRY_RUN_FLAG, DryRun, ResultPrinter, dry_run_of
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.documents.manifests import Manifest
    from kubectl_cli.flags import Options

SUMMARY = "Let objects keep the content of files as what was applied last."
USE = "apply set-last-applied -f FILENAME"
EXAMPLES = "kubectl apply set-last-applied -f deploy.yaml"
FLAGS = (
    *PRINT_FLAGS,
    *(flag for flag in FILE_FLAGS if flag.name == "filename"),
    DRY_RUN_FLAG,
    Flag("create-annotation", "bool", help="Also where nothing was applied before."),
)


def run(options: Options, factory: Factory) -> int:
    """Look at all objects, then patch those that keep something else."""
    from kubectl_cli.documents.manifests import visit_manifests
    from kubectl_cli.selecting.targets import MISSING_RESOURCES

    dry_run = dry_run_of(options)
    printer = ResultPrinter(options, dry_run)
    if not options.items("filename"):
        raise CommandError(MISSING_RESOURCES)
    changed = []
    for each in visit_manifests(options.items("filename"), factory):
        if isinstance(each, CommandError):
            raise each
        live = factory.client.get(each.path)
        if _keeps_other(each, live, creates=options.flag("create-annotation")):
            changed.append((each, live))
        else:
            print(f"set-last-applied {each.name}: no changes required.")
    for each, live in changed:
        if dry_run is not DryRun.CLIENT:
            live = _patch(factory, each, dry_run)
        printer.show(live, "configured", each.label)
    return 0


def _keeps_other(manifest: Manifest, live: JsonObject, *, creates: bool) -> bool:
    from kubectl_cli.applying.last_applied import last_applied

    kept = last_applied(live)
    if kept is None and not creates:
        raise CommandError(
            "no last-applied-configuration annotation found on resource:"
            f" {manifest.name}, to create the annotation, run the command with"
            " --create-annotation"
        )
    return kept != manifest.object


def _patch(factory: Factory, manifest: Manifest, dry_run: DryRun) -> JsonObject:
    from kubectl_cli.applying.last_applied import ANNOTATION
    from kubectl_cli.client.rest import MERGE_PATCH
    from kubectl_cli.printers.json import compact

    text = compact(manifest.object) + "\n"
    query = [("dryRun", "All")] if dry_run is DryRun.SERVER else None
    patch = {"metadata": {"annotations": {ANNOTATION: text}}}
    path = manifest.path
    return factory.client.call("PATCH", path, query, patch, content_type=MERGE_PATCH)
