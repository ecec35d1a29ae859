"""`delete`: remove objects, and wait until they are gone.

Source: kubernetes/kubectl pkg/cmd/delete/delete.go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_cli.changes import DRY_RUN_FLAG
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Delete objects by file, name, type and name, or labels."
USE = "delete ([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)])"
EXAMPLES = """kubectl delete pod nginx
kubectl delete -f pod.yaml
kubectl delete pods -l app=web --grace-period=5"""
DELETE_FLAGS = (
    Flag(
        "cascade",
        default="background",
        bare="background",
        help="background, orphan or foreground: what becomes of dependents.",
    ),
    Flag("force", "bool", help="With a grace period of 0: remove at once."),
    Flag("grace-period", "int", -1, help="Seconds to end well; -1 as the pod says."),
    Flag("timeout", "duration", help="How long to wait for the end; 0 is for ever."),
)
FLAGS = (
    *FILE_FLAGS,
    *DELETE_FLAGS,
    DRY_RUN_FLAG,
    Flag("all", "bool", help="All objects of the types in the namespace."),
    Flag("all-namespaces", "bool", short="A", help="In all namespaces."),
    Flag("field-selector", help="Only objects with these field values."),
    Flag("ignore-not-found", "bool", help="An object that is not there is no error."),
    Flag("interactive", "bool", short="i", help="Ask before."),
    Flag("now", "bool", help="Same as --grace-period=1."),
    Flag("output", short="o", help="'name' for short output."),
    Flag("raw", help="A path to DELETE, as it is."),
    Flag("selector", short="l", help="Only objects with these labels."),
    Flag("wait", "bool", True, help="Wait until the objects are gone."),
)
_CASCADES = {
    "background": "Background",
    "foreground": "Foreground",
    "orphan": "Orphan",
}


def run(options: Options, factory: Factory) -> int:
    """Delete what the words select."""
    if options.text("raw"):
        return _raw(options, factory)
    propagation = cascade_of(options)
    _validate(options)
    from kubectl_cli.deletion import DeleteCommand

    return DeleteCommand(options, factory, propagation, grace_of(options)).run()


def _raw(options: Options, factory: Factory) -> int:
    if options.args:
        raise CommandError("arguments may not be passed when --raw is specified")
    response = factory.client.raw("DELETE", options.text("raw"))
    sys.stdout.flush()
    sys.stdout.buffer.write(response.body)
    return 0


def cascade_of(options: Options) -> str:
    """--cascade as a propagation policy."""
    value = options.text("cascade")
    if value in ("true", "false"):
        better = "background" if value == "true" else "orphan"
        print(
            f"warning: --cascade={value} is deprecated (boolean value) and can be"
            f" replaced with --cascade={better}.",
            file=sys.stderr,
        )
        value = better
    if value not in _CASCADES:
        raise CommandError(
            f'invalid cascade value ({value}). Must be "background", "foreground", or'
            ' "orphan"'
        )
    return _CASCADES[value]


def grace_of(options: Options) -> int:
    """Seconds to send, -1 for none."""
    seconds = options.number("grace-period")
    if options.has("now") and options.flag("now"):
        return 1
    if options.flag("force"):
        return max(seconds, 0)
    # Without --force a period of 0 becomes 1, against accidents.
    return 1 if seconds == 0 else seconds


def _validate(options: Options) -> None:
    output = options.text("output")
    if output not in ("", "name"):
        raise CommandError(
            f"unexpected -o output mode: {output}. We only support '-o name'"
        )
    selector = options.text("selector") or options.text("field-selector")
    if options.flag("all") and selector:
        # cli-runtime pkg/resource/builder.go, before delete.go has its say
        raise CommandError("setting 'all' parameter but found a non empty selector. ")
    if options.flag("now") and options.number("grace-period") != -1:
        raise CommandError("--now and --grace-period cannot be specified together")
    grace = 1 if options.flag("now") else options.number("grace-period")
    if options.flag("force") and grace > 0:
        raise CommandError(
            "--force and --grace-period greater than 0 cannot be specified together"
        )


__all__ = ["DELETE_FLAGS", "cascade_of", "grace_of", "run"]
