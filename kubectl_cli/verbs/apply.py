"""`apply`: make objects be as the files say.

Source: kubernetes/kubectl pkg/cmd/apply/apply.go, patcher.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.changes import DRY_RUN_FLAG, VALIDATE_FLAG
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS
from kubectl_cli.verbs.delete import DELETE_FLAGS

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Apply a configuration to an object by file or stdin."
USE = "apply (-f FILENAME | -k DIRECTORY)"
EXAMPLES = "kubectl apply -f pod.yaml\ncat pod.json | kubectl apply -f -"
FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    *DELETE_FLAGS,
    DRY_RUN_FLAG,
    VALIDATE_FLAG,
    Flag("all", "bool", help="With --prune: all objects of the types."),
    Flag(
        "field-manager",
        default="kubectl-client-side-apply",
        help="Who owns the fields.",
    ),
    Flag("force-conflicts", "bool", help="With --server-side: take others' fields."),
    Flag("openapi-patch", "bool", True, help="Accepted for compatibility."),
    Flag("overwrite", "bool", True, help="Change what others have changed."),
    Flag("prune", "bool", help="Delete what is not in the files; not supported."),
    Flag("prune-allowlist", "array", help="Types to prune."),
    Flag("selector", short="l", help="Only objects with these labels."),
    Flag("server-side", "bool", help="Let the server put the fields together."),
    Flag("subresource", help="Apply to this subresource; with --server-side."),
    Flag("wait", "bool", help="With --force: wait until deleted objects are gone."),
)


def run(options: Options, factory: Factory) -> int:
    """Create or patch each object of the files."""
    if options.args:
        raise UsageError(
            f"Unexpected args: [{' '.join(options.args)}]", "kubectl apply"
        )
    if not options.items("filename"):
        raise CommandError("must specify one of -f and -k")
    _validate(options)
    from kubectl_cli.applying.applier import ApplyCommand

    return ApplyCommand(options, factory).run()


def _validate(options: Options) -> None:
    server_side = options.flag("server-side")
    if options.flag("force-conflicts") and not server_side:
        raise CommandError("--force-conflicts only works with --server-side")
    if options.text("dry-run") == "client" and server_side:
        raise CommandError(
            "--dry-run=client doesn't work with --server-side (did you mean"
            " --dry-run=server instead?)"
        )
    if options.flag("force") and server_side:
        raise CommandError("--force cannot be used with --server-side")
    if options.flag("prune"):
        raise CommandError("--prune is not supported")
    if options.text("subresource") and not server_side:
        raise CommandError("--subresource can only be specified for --server-side")
