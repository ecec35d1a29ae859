"""`rollout history`: the revisions of a workload.

Source: kubernetes/kubectl pkg/cmd/rollout/rollout_history.go,
pkg/polymorphichelpers/history.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS
from kubectl_cli.rollouts.revisions import revisions_of, template_text

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.selected import Selected

SUMMARY = "List the revisions of a workload, or show one."
USE = "rollout history (TYPE NAME | TYPE/NAME) [flags]"
EXAMPLES = "kubectl rollout history deployment/abc --revision=3"
FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    Flag("revision", "int", 0, help="Show this revision."),
    Flag("selector", short="l", help="Only objects with these labels."),
)


def run(options: Options, factory: Factory) -> int:
    """Show those of each object."""
    from kubectl_cli.selecting.selected import Selected, select_objects

    if not options.args and not options.items("filename"):
        raise CommandError("required resource not specified")
    if options.number("revision") < 0:
        raise CommandError(
            f"revision must be a positive integer: {options.number('revision')}"
        )
    for each in select_objects(options, factory, options.args, whole_types=True):
        if not isinstance(each, Selected):
            raise each
        _show(options, factory, each)
    return 0


def _show(options: Options, factory: Factory, each: Selected) -> None:
    revisions = revisions_of(factory, each, "history viewer")
    number = options.number("revision")
    if number:
        for revision in revisions:
            if revision.number == number:
                text = template_text(revision.template)
                print(f"{each.label} with revision #{number}\n{text}")
                return
        raise CommandError("unable to find the specified revision")
    print(f"{each.label} ")
    if not revisions:
        print("No rollout history found.")
        return
    from kubectl_cli.printers.tabwriter import align

    rows = [f"{revision.number}\t{revision.cause}" for revision in revisions]
    print(align(["REVISION\tCHANGE-CAUSE", *rows], min_width=0, padding=2))
