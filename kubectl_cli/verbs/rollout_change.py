"""`rollout restart`, `rollout pause`, `rollout resume`.

Source: kubernetes/kubectl pkg/cmd/rollout (rollout_restart.go, rollout_pause.go,
rollout_resume.go), pkg/polymorphichelpers (objectrestarter.go, objectpauser.go).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.changes import ResultPrinter, raise_all
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = {
    "rollout restart": "Replace all pods, as a change of the template does.",
    "rollout pause": "Let changes of the template wait.",
    "rollout resume": "Roll out what has changed during a pause.",
}
USE = {command: f"{command} RESOURCE" for command in SUMMARY}
FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    Flag("field-manager", default="kubectl-rollout", help="Who owns the fields."),
    Flag("selector", short="l", help="Only objects with these labels."),
)
_RESTARTED = "kubectl.kubernetes.io/restartedAt"


def run(options: Options, factory: Factory) -> int:
    """Patch each object; one that refuses does not stop the others."""
    from kubectl_cli.selecting.selected import Selected, select_objects

    if not options.args and not options.items("filename"):
        raise CommandError("required resource not specified")
    patch_of, done = _ACTIONS[factory.command]
    printer = ResultPrinter(options)
    errors: list[Exception] = []
    found = False
    for each in select_objects(options, factory, options.args, whole_types=True):
        found = True
        try:
            if not isinstance(each, Selected):
                raise each
            subject = f'{each.resource.full_name} "{each.name}"'
            patch = patch_of(each.object, subject)
            printer.show(_send(options, factory, each.path, patch), done, each.label)
        except (StatusError, CommandError) as error:
            errors.append(error)
    if not found:
        print(f"No resources found in {factory.namespace} namespace.", file=sys.stderr)
    raise_all(errors)
    return 0


def _send(
    options: Options, factory: Factory, path: str, patch: JsonObject
) -> JsonObject:
    query = [("fieldManager", options.text("field-manager"))]
    kind = "application/strategic-merge-patch+json"
    return factory.client.call("PATCH", path, query, patch, content_type=kind)


def _restart(obj: JsonObject, subject: str) -> JsonObject:
    from datetime import datetime

    kind, spec = obj.get("kind"), obj.get("spec") or {}
    if kind not in ("Deployment", "DaemonSet", "StatefulSet"):
        raise CommandError(f"{subject} restarting is not supported")
    if spec.get("paused"):
        raise CommandError(
            f"{subject} can't restart paused deployment (run rollout resume first)"
        )
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    now = now.removesuffix("+00:00") + "Z" if now.endswith("+00:00") else now
    metadata = (spec.get("template") or {}).get("metadata") or {}
    if (metadata.get("annotations") or {}).get(_RESTARTED) == now:
        raise CommandError(
            f"failed to create patch for {obj['metadata']['name']}: if restart has"
            " already been triggered within the past second, please wait before"
            " attempting to trigger another"
        )
    return {"spec": {"template": {"metadata": {"annotations": {_RESTARTED: now}}}}}


def _pause(obj: JsonObject, subject: str) -> JsonObject:
    if obj.get("kind") != "Deployment":
        raise CommandError(f"{subject} pausing is not supported")
    if (obj.get("spec") or {}).get("paused"):
        raise CommandError(f"{subject} is already paused")
    return {"spec": {"paused": True}}


def _resume(obj: JsonObject, subject: str) -> JsonObject:
    if obj.get("kind") != "Deployment":
        raise CommandError(f"{subject} resuming is not supported")
    if not (obj.get("spec") or {}).get("paused"):
        raise CommandError(f"{subject} is not paused")
    return {"spec": {"paused": None}}


_ACTIONS: dict[str, tuple[Callable[[JsonObject, str], JsonObject], str]] = {
    "rollout restart": (_restart, "restarted"),
    "rollout pause": (_pause, "paused"),
    "rollout resume": (_resume, "resumed"),
}
