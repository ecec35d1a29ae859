"""`rollout undo`: back to an earlier revision.

Source: kubernetes/kubectl pkg/cmd/rollout/rollout_undo.go,
pkg/polymorphichelpers/rollback.go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_cli.changes import DRY_RUN_FLAG, DryRun, ResultPrinter, dry_run_of
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS
from kubectl_cli.rollouts.revisions import previous, revisions_of, template_text

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.rollouts.revisions import Revision
    from kubectl_cli.selecting.selected import Selected

SUMMARY = "Go back to an earlier revision."
USE = "rollout undo (TYPE NAME | TYPE/NAME) [flags]"
EXAMPLES = "kubectl rollout undo deployment/abc"
FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    DRY_RUN_FLAG,
    Flag("selector", short="l", help="Only objects with these labels."),
    Flag("to-revision", "int", 0, help="The revision to go back to; 0 is the last."),
)
_APPLIED = (
    "Warning: resource {each.resource.name}/{each.name} was previously managed with"
    " 'kubectl apply'. Rolling back will not update the"
    " kubectl.kubernetes.io/last-applied-configuration annotation, which may cause"
    " unexpected behavior on future 'kubectl apply' operations. Consider using 'kubectl"
    " apply' with your previous configuration file instead."
)
_HASH = "pod-template-hash"
#: What a ReplicaSet has of its own, so that it does not go back to the Deployment.
_KEPT = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
)


def run(options: Options, factory: Factory) -> int:
    """Roll each object back."""
    from kubectl_cli.selecting.selected import Selected, select_objects

    if not options.args and not options.items("filename"):
        raise CommandError("required resource not specified")
    for each in select_objects(options, factory, options.args, whole_types=True):
        if not isinstance(each, Selected):
            raise each
        _undo(options, factory, each)
    return 0


def _undo(options: Options, factory: Factory, each: Selected) -> None:
    revisions = revisions_of(factory, each, "rollbacker")
    kind = each.resource.kind
    _warn_of_apply(each)
    if (each.object.get("spec") or {}).get("paused"):
        raise CommandError(
            "you cannot rollback a paused deployment; resume it first with 'kubectl"
            " rollout resume' and try again"
        )
    label = f'{kind.lower()} "{each.name}"'
    wanted = previous(revisions, options.number("to-revision"), label)
    dry_run = dry_run_of(options)
    if dry_run is DryRun.CLIENT:
        print(f"{each.label} {template_text(wanted.template)}{dry_run.value}")
        return
    printer = ResultPrinter(options, dry_run)
    if _without_hash(wanted.template) == (each.object.get("spec") or {}).get(
        "template"
    ):
        number = wanted.number
        done = f"skipped rollback (current template already matches revision {number})"
        printer.show(each.object, done, each.label)
        return
    patch, sort = _patch(each, wanted)
    query = [("dryRun", "All")] if dry_run is DryRun.SERVER else []
    obj = factory.client.call(
        "PATCH", each.path, query, patch, content_type=f"application/{sort}-patch+json"
    )
    printer.show(obj, "rolled back", each.label)


def _warn_of_apply(each: Selected) -> None:
    if _KEPT[0] in (each.object["metadata"].get("annotations") or {}):
        print(_APPLIED.format(each=each), file=sys.stderr)


def _patch(each: Selected, wanted: Revision) -> tuple[object, str]:
    if each.resource.kind != "Deployment":
        return wanted.source.get("data") or {}, "strategic-merge"
    own: dict[str, str] = each.object["metadata"].get("annotations") or {}
    old: dict[str, str] = wanted.source["metadata"].get("annotations") or {}
    annotations = {k: v for k, v in old.items() if k not in _KEPT}
    annotations |= {k: v for k, v in own.items() if k in _KEPT}
    return [
        {
            "op": "replace",
            "path": "/spec/template",
            "value": _without_hash(wanted.template),
        },
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ], "json"


def _without_hash(template: JsonObject) -> JsonObject:
    metadata = template.get("metadata") or {}
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != _HASH}
    return {**template, "metadata": {**metadata, "labels": labels}}
