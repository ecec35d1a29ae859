"""`wait`: until objects are as they should be.

Source: kubernetes/kubectl pkg/cmd/wait/wait.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS
from kubectl_cli.waiting.interruption import exits_when_interrupted

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Wait for a condition of one or many objects."
USE = (
    "wait ([-f FILENAME] | resource.group/resource.name | resource.group"
    " [(-l label | --all)]) [--for=create|--for=delete|--for condition=available|"
    "--for=jsonpath='{}'[=value]]"
)
EXAMPLES = """kubectl wait --for=condition=Ready pod/web
kubectl wait --for=jsonpath='{.status.phase}'=Running pod/web
kubectl wait --for=delete pod/web --timeout=60s"""
FLAGS = (
    *PRINT_FLAGS,
    Flag("all", "bool", help="All objects of the types in the namespace."),
    Flag("all-namespaces", "bool", short="A", help="In all namespaces."),
    Flag("field-selector", help="Only objects with these field values."),
    Flag("filename", "slice", short="f", help="Files that name the objects."),
    Flag("for", "array", help="create, delete, condition=NAME[=value], jsonpath=..."),
    Flag("local", "bool", help="Accepted for compatibility."),
    Flag("recursive", "bool", True, short="R", help="Also folders in a folder of -f."),
    Flag("selector", short="l", help="Only objects with these labels."),
    Flag("timeout", "duration", 30.0, help="0 looks once, negative waits a week."),
)


@exits_when_interrupted()
def run(options: Options, factory: Factory) -> int:
    """Wait for each object that the words select."""
    from kubectl_cli.setting.objects import check_local
    from kubectl_cli.waiting.command import WaitCommand
    from kubectl_cli.waiting.conditions import parse_condition

    wanted = options.items("for")
    if not wanted:
        raise CommandError("unrecognized condition: []")
    check_local(options, options.args)
    conditions = [parse_condition(text) for text in wanted]
    return WaitCommand(options, factory, conditions).run()
