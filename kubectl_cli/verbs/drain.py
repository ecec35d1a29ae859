"""`drain`: free a node of its pods.

Source: kubernetes/kubectl pkg/cmd/drain/drain.go (RunDrain).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.changes import DRY_RUN_FLAG, dry_run_of
from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Drain a node in preparation for maintenance."
USE = "drain NODE"
EXAMPLES = "kubectl drain foo --force"
FLAGS = (
    DRY_RUN_FLAG,
    Flag("chunk-size", "int", 500, help="How many objects to list at once."),
    Flag("delete-emptydir-data", "bool", help="Also pods that use emptyDir."),
    Flag("disable-eviction", "bool", help="Delete the pods, whatever budgets say."),
    Flag("force", "bool", help="Also pods that nothing will make again."),
    Flag("grace-period", "int", -1, help="Seconds for each pod; -1: its own."),
    Flag("ignore-daemonsets", "bool", help="Leave pods of DaemonSets."),
    Flag("pod-selector", help="Only pods with these labels."),
    Flag("selector", short="l", help="All nodes with these labels."),
    Flag("timeout", "duration", 0.0, help="How long to try; 0 is for ever."),
)


def run(options: Options, factory: Factory) -> int:
    """Cordon all nodes, then drain one after the other."""
    from kubectl_cli.nodes.draining import chosen_nodes, mark

    if not options.args and not options.text("selector"):
        raise UsageError("USAGE: drain NODE [flags]", "kubectl drain")
    dry_run = dry_run_of(options)
    nodes = chosen_nodes(options, factory)
    for node in nodes:
        mark(factory, node, dry_run, unschedulable=True)
    names = [node["metadata"]["name"] for node in nodes]
    failed: dict[str, Exception] = {}
    for name in names:
        sys.stdout.flush()
        try:
            _drain(options, factory, name)
        except (CommandError, StatusError) as error:
            failed[name] = error
            print(
                f'error: unable to drain node "{name}" due to error: {error},'
                " continuing command...",
                file=sys.stderr,
            )
        else:
            print(f"node/{name} drained{dry_run.value}")
    if failed:
        sys.stdout.flush()
        listed = "\n".join(f" {name}" for name in failed)
        print(f"There are pending nodes to be drained:\n{listed}", file=sys.stderr)
        for why in failed.values():
            print(why, file=sys.stderr)
        from kubectl_cli.errors import SilentExitError

        raise SilentExitError(1)
    return 0


def _drain(options: Options, factory: Factory, name: str) -> None:
    from kubectl_cli.nodes.draining import evict_all, pods_to_evict

    pods, told = pods_to_evict(options, factory, name)
    if told:
        print(f"Warning: {'; '.join(told)}", file=sys.stderr)
    evict_all(options, factory, pods, dry_run_of(options))
