"""`cordon` and `uncordon`: keep pods away from a node, and let them come again.

Source: kubernetes/kubectl pkg/cmd/drain/drain.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.changes import DRY_RUN_FLAG, dry_run_of
from kubectl_cli.errors import UsageError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = {
    "cordon": "Mark a node as unschedulable.",
    "uncordon": "Mark a node as schedulable.",
}
USE = {"cordon": "cordon NODE", "uncordon": "uncordon NODE"}
FLAGS = (
    DRY_RUN_FLAG,
    Flag("selector", short="l", help="All nodes with these labels."),
)


def run(options: Options, factory: Factory) -> int:
    """Mark each node; nothing is done when one is missing."""
    from kubectl_cli.nodes.draining import chosen_nodes, mark

    command = factory.command
    if not options.args and not options.text("selector"):
        raise UsageError(f"USAGE: {command} NODE [flags]", f"kubectl {command}")
    for node in chosen_nodes(options, factory):
        mark(factory, node, dry_run_of(options), unschedulable=command == "cordon")
    return 0
