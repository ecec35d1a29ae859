"""`create`: make objects from files; below it, commands that make one of a kind.

Source: kubernetes/kubectl pkg/cmd/create/create.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.changes import DRY_RUN_FLAG, VALIDATE_FLAG
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Create an object from a file or from stdin."
USE = "create -f FILENAME"
EXAMPLES = "kubectl create -f pod.json\ncat pod.json | kubectl create -f -"
FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    DRY_RUN_FLAG,
    VALIDATE_FLAG,
    Flag("edit", "bool", help="Edit the object before; not supported here."),
    Flag("field-manager", default="kubectl-create", help="Who owns the fields."),
    Flag("raw", help="A path to POST the file to, as it is."),
    Flag("save-config", "bool", help="Keep the configuration for a later apply."),
    Flag("selector", short="l", help="Only objects with these labels."),
    Flag("windows-line-endings", "bool", help="For --edit."),
)


def run(options: Options, factory: Factory) -> int:
    """Create each object of the files."""
    if not options.items("filename"):
        if options.args:
            raise UsageError(
                f"Unexpected args: [{' '.join(options.args)}]", "kubectl create"
            )
        raise CommandError("must specify one of -f and -k")
    if options.args:
        raise UsageError(
            f"Unexpected args: [{' '.join(options.args)}]", "kubectl create"
        )
    if options.text("raw"):
        from kubectl_cli.client.raw_requests import send_raw

        return send_raw("POST", options, factory)
    if options.flag("edit"):
        raise CommandError("--edit is not supported; write the file and create it")
    from kubectl_cli.creation import create_from_files

    return create_from_files(options, factory)
