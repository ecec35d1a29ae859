"""`rollout status`: watch a rollout to its end.

Source: kubernetes/kubectl pkg/cmd/rollout/rollout_status.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.waiting.interruption import exits_when_interrupted

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.selected import Selected

SUMMARY = "Show how far a rollout is, until it is over."
USE = "rollout status (TYPE NAME | TYPE/NAME) [flags]"
EXAMPLES = "kubectl rollout status deployment/nginx"
FLAGS = (
    *FILE_FLAGS,
    Flag("revision", "int", 0, help="Require this revision; 0 is the running one."),
    Flag("selector", short="l", help="Only objects with these labels."),
    Flag("timeout", "duration", 0.0, help="How long to wait; 0 is for ever."),
    Flag("watch", "bool", True, short="w", help="Wait until it is over."),
)
_WEEK = 7 * 24 * 3600.0


def run(options: Options, factory: Factory) -> int:
    """Follow each object, one after the other."""
    from kubectl_cli.selecting.selected import Selected, select_objects

    if not options.args and not options.items("filename"):
        raise CommandError("required resource not specified")
    if options.number("revision") < 0:
        raise CommandError("revision must be a positive integer: -1")
    found = False
    for each in select_objects(options, factory, options.args, whole_types=True):
        if not isinstance(each, Selected):
            raise each
        found = True
        _follow(options, factory, each)
    if not found:
        import sys

        where = f" in {factory.namespace} namespace."
        print(f"No resources found{where}", file=sys.stderr)
    return 0


@exits_when_interrupted()
def _follow(options: Options, factory: Factory, each: Selected) -> None:
    from kubectl_cli.rollouts.progress import viewer_of
    from kubectl_cli.waiting.until import follow_object

    viewer = viewer_of(each.resource.kind)
    revision = options.number("revision")
    if not options.flag("watch"):
        print(viewer(each.object, revision)[0])
        return
    collection = each.resource.path(each.namespace)
    timeout = options.seconds("timeout") or _WEEK
    for kind, obj in follow_object(factory.client, collection, each.name, timeout):
        if kind == "SYNCED":
            continue
        if kind == "DELETED":
            raise CommandError("object has been deleted")
        text, over = viewer(obj, revision)
        print(text, flush=True)
        if over:
            return
    raise CommandError("timed out waiting for the condition")
