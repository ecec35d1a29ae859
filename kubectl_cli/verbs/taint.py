"""`taint`: keep pods off nodes, but for those that tolerate it.

Source: kubernetes/kubectl pkg/cmd/taint/taint.go.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from kubectl_cli.changes import DRY_RUN_FLAG, VALIDATE_FLAG
from kubectl_cli.errors import AggregateError, CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.changes import DryRun
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.selected import Selected

SUMMARY = "Change the taints of nodes."
USE = "taint NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N"
EXAMPLES = """kubectl taint nodes foo dedicated=special-user:NoSchedule
kubectl taint nodes foo dedicated:NoSchedule-
kubectl taint nodes foo dedicated-"""
FLAGS = (
    *PRINT_FLAGS,
    DRY_RUN_FLAG,
    VALIDATE_FLAG,
    Flag("all", "bool", help="All nodes."),
    Flag("field-manager", default="kubectl-taint", help="Who owns the fields."),
    Flag("overwrite", "bool", help="Also taints that are there with another value."),
    Flag("selector", short="l", help="Only nodes with these labels."),
)


def run(options: Options, factory: Factory) -> int:
    """Patch each node; one that fails does not stop the others."""
    from apimachinery.status import StatusError
    from kubectl_cli.changes import ResultPrinter, dry_run_of, raise_all
    from kubectl_cli.nodes.tainting import TaintChanges
    from kubectl_cli.selecting.selected import Selected, select_objects

    dry_run = dry_run_of(options)
    words, texts = _split(options.args)
    changes = TaintChanges(texts)
    _check_kind(factory, words[0])
    changes.check()
    _check_names(options, words)
    chosen = options.flag("all") or options.text("selector")
    # Unlike others this command does not say that it was a dry run.
    printer = ResultPrinter(options, typed=True)
    errors: list[Exception] = []
    for each in select_objects(
        options, factory, ["node", *([] if chosen else words[1:])]
    ):
        try:
            if not isinstance(each, Selected):
                raise each
            present = (each.object.get("spec") or {}).get("taints") or []
            taints, done = changes.apply(
                each.name, present, overwrite=options.flag("overwrite")
            )
            printer.show(_write(options, factory, each, taints, dry_run), done)
        except AggregateError as error:
            errors += error.errors
        except (StatusError, CommandError) as error:
            errors.append(error)
    raise_all(errors)
    return 0


def _split(args: list[str]) -> tuple[list[str], list[str]]:
    """The type and the names, then the taints."""
    words: list[str] = []
    taints: list[str] = []
    for word in args:
        if "=" in word or ":" in word or word.endswith("-"):
            taints.append(word)
        elif taints:
            raise CommandError(
                f"all resources must be specified before taint changes: {word}"
            )
        else:
            words.append(word)
    if not words:
        raise CommandError(
            "one or more resources must be specified as <resource> <name>"
        )
    if not taints:
        raise CommandError("at least one taint update is required")
    return words, taints


def _check_kind(factory: Factory, word: str) -> None:
    try:
        kind = factory.mapper.resolve(word).kind
    except CommandError as error:
        raise AggregateError([error]) from None  # told without `error: `
    if kind != "Node":
        raise CommandError(
            f"invalid resource type {word.lower()}, only node types are supported"
        )


def _check_names(options: Options, words: list[str]) -> None:
    every, selector = options.flag("all"), options.text("selector")
    if every and selector:
        raise CommandError(
            "setting 'all' parameter with a non empty selector is prohibited"
        )
    if not every and not selector and len(words) < 2:
        raise CommandError(
            "at least one resource name must be specified since 'all' parameter is not"
            " set"
        )


def _write(
    options: Options,
    factory: Factory,
    each: Selected,
    taints: list[JsonObject],
    dry_run: DryRun,
) -> JsonObject:
    """The node with these taints."""
    from kubectl_cli.changes import DryRun, write_query

    if dry_run is DryRun.CLIENT:
        node = copy.deepcopy(each.object)
        node["spec"] = {**(node.get("spec") or {}), "taints": taints}
        if not taints:
            del node["spec"]["taints"]
        return node
    return factory.client.call(
        "PATCH",
        each.path,
        write_query(options, dry_run),
        {"spec": {"taints": taints or None}},
        content_type="application/strategic-merge-patch+json",
    )
