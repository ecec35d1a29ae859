"""`top pod` and `top node`: what they use, as a metrics server has it.

Source: kubernetes/kubectl pkg/cmd/top (top_pod.go, top_node.go).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.flags import Options
    from kubectl_cli.printers.metrics import TableStyle

SUMMARY = {
    "top node": "Show what nodes use of CPU and memory.",
    "top pod": "Show what pods use of CPU and memory.",
}
USE = {command: f"{command} [NAME | -l label]" for command in SUMMARY}
FLAGS = (
    Flag("all-namespaces", "bool", short="A", help="pod: in all namespaces."),
    Flag("containers", "bool", help="pod: a line for each container."),
    Flag("field-selector", help="pod: only those with these field values."),
    Flag("no-headers", "bool", help="No line of headers."),
    Flag("selector", short="l", help="Only those with these labels."),
    Flag("show-capacity", "bool", help="node: of the capacity, not of allocatable."),
    Flag("show-swap", "bool", help="Swap memory, too."),
    Flag("sort-by", help="cpu or memory; else by name."),
    Flag("sum", "bool", help="pod: a line with the sum."),
    Flag("use-protocol-buffers", "bool", True, help="Accepted for compatibility."),
)
_METRICS = "/apis/metrics.k8s.io/v1beta1"
_DELAY = 120.0  # seconds until a new pod has metrics


def run(options: Options, factory: Factory) -> int:
    """Ask the metrics API, and print a table."""
    from kubectl_cli.client.discovery import fetch
    from kubectl_cli.printers.metrics import TableStyle

    _check(options, factory.command)
    query = _selectors(options)
    if "metrics.k8s.io/v1beta1" not in fetch(factory.client).versions:
        raise CommandError("Metrics API not available")
    style = TableStyle(
        sort_by=options.text("sort-by"),
        headers=not options.flag("no-headers"),
        swap=options.flag("show-swap"),
    )
    show = _show_pods if factory.command == "top pod" else _show_nodes
    show(options, factory, query, style)
    return 0


def _check(options: Options, command: str) -> None:
    if len(options.args) > 1:
        use = USE[command].removeprefix("top ")
        raise UsageError(use, f"kubectl {command}")
    if options.text("sort-by") not in ("", "cpu", "memory"):
        raise CommandError("--sort-by accepts only cpu or memory")
    if options.args and (options.text("selector") or options.text("field-selector")):
        flag = "selector" if command == "top pod" else "--selector"
        raise CommandError(f"only one of NAME or {flag} can be provided")


def _selectors(options: Options) -> Query:
    from apimachinery import fields, labels

    query: Query = []
    try:
        if text := options.text("selector"):
            query.append(("labelSelector", str(labels.parse(text))))
        if text := options.text("field-selector"):
            fields.parse(text)
            query.append(("fieldSelector", text))
    except (labels.SelectorSyntaxError, fields.FieldSelectorError) as error:
        raise CommandError(str(error)) from None
    return query


def _fetch(
    factory: Factory, path: str, names: list[str], query: Query
) -> list[JsonObject]:
    if names:
        return [factory.client.get(f"{path}/{names[0]}")]
    return list(factory.client.get(path, query).get("items") or ())


def _show_nodes(
    options: Options, factory: Factory, query: Query, style: TableStyle
) -> None:
    from kubectl_cli.printers.metrics import node_table

    metrics = _fetch(factory, f"{_METRICS}/nodes", options.args, query)
    if not metrics:
        raise CommandError("metrics not available yet")
    field = "capacity" if options.flag("show-capacity") else "allocatable"
    available: dict[str, JsonObject] = {}
    for node in _fetch(factory, "/api/v1/nodes", options.args, query):
        status = node.get("status") or {}
        amounts = dict(status.get(field) or {})
        swap = ((status.get("nodeInfo") or {}).get("swap") or {}).get("capacity")
        if swap is not None:
            amounts["swap"] = str(swap)
        available[node["metadata"]["name"]] = amounts
    sys.stdout.write(node_table(metrics, available, style))


def _show_pods(
    options: Options, factory: Factory, query: Query, style: TableStyle
) -> None:
    from kubectl_cli.printers.metrics import pod_table

    everywhere = options.flag("all-namespaces")
    where = "" if everywhere else f"/namespaces/{factory.namespace}"
    metrics = _fetch(factory, f"{_METRICS}{where}/pods", options.args, query)
    if not metrics:
        _check_pods(options, factory, query)
        end = "" if everywhere else f" in {factory.namespace} namespace."
        print(f"No resources found{end}", file=sys.stderr)
        return
    text = pod_table(
        metrics,
        style,
        containers=options.flag("containers"),
        namespaces=everywhere,
        total=options.flag("sum"),
    )
    sys.stdout.write(text)


def _check_pods(options: Options, factory: Factory, query: Query) -> None:
    """Why there are no metrics: there are no pods, or they are new, or lost."""
    from apimachinery.go_duration import format_duration
    from kubectl_cli.clock import now, to_seconds

    path = f"/api/v1/namespaces/{factory.namespace}/pods"
    pods = _fetch(factory, path, options.args, query)
    for pod in pods:
        metadata = pod["metadata"]
        age = now() - to_seconds(metadata["creationTimestamp"])
        if age > _DELAY:
            raise CommandError(
                f"Metrics not available for pod {metadata['namespace']}/"
                f"{metadata['name']}, age: {format_duration(age)}"
            )
    if pods:
        raise CommandError("metrics not available yet")
