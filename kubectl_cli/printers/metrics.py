"""The tables of `top`: what pods and nodes use.

Source: kubernetes/kubectl pkg/metricsutil (metrics_printer.go, metrics_resource_adder.go,
metrics_resource_sorter.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.quantity import Quantity
from kubectl_cli.printers.tabwriter import TabWriter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.types import JsonObject

    Usage = dict[str, Quantity]

__all__ = ["TableStyle", "node_table", "pod_table"]

_MEBIBYTE = 1 << 20
_ZERO = Quantity.parse("0")
_UNKNOWN = "<unknown>"
#: The columns of each resource: the amount, and for nodes the part of what there is.
_COLUMNS = {
    "cpu": ("CPU(cores)", "CPU(%)"),
    "memory": ("MEMORY(bytes)", "MEMORY(%)"),
    "swap": ("SWAP(bytes)", "SWAP(%)"),
}


@dataclass(frozen=True, slots=True)
class TableStyle:
    """What is shown, and in which order; an empty `sort_by` means by name."""

    sort_by: str = ""
    headers: bool = True
    swap: bool = False

    @property
    def resources(self) -> list[str]:
        return list(_COLUMNS) if self.swap else ["cpu", "memory"]


@dataclass(frozen=True, slots=True)
class _Row:
    """Something that uses resources, and the cells that name it."""

    names: tuple[str, ...]
    usage: Usage
    metrics: JsonObject


def pod_table(
    metrics: list[JsonObject],
    style: TableStyle,
    *,
    containers: bool = False,
    namespaces: bool = False,
    total: bool = False,
) -> str:
    """PodMetrics, a line a pod or a line a container."""
    titles = [_COLUMNS[name][0] for name in style.resources]
    heads = ["NAMESPACE"] * namespaces + ["POD"] * containers
    lines = [[*heads, "NAME", *titles]] if style.headers else []
    pods = _in_order((_pod_row(each, namespaces=namespaces) for each in metrics), style)
    for pod in pods:
        rows = _in_order(_container_rows(pod), style) if containers else [pod]
        lines += [[*row.names, *_amounts(row.usage, style)] for row in rows]
    if total:
        # kubectl takes no other columns into account where it has shown no headers.
        width = 1 + len(titles) + (len(heads) if style.headers else 0)
        lines.append([*[""] * (width - 2), "________", "________"])
        usage = _sum(row.usage for row in pods)
        lines.append([*[""] * (width - 2), *_amounts(usage, style)])
    return _aligned(lines)


def node_table(
    metrics: list[JsonObject], available: dict[str, JsonObject], style: TableStyle
) -> str:
    """NodeMetrics, with the part of what each node has; then nodes without metrics."""
    titles = [title for name in style.resources for title in _COLUMNS[name]]
    lines = [["NAME", *titles]] if style.headers else []
    rows = [_Row((each["metadata"]["name"],), _read(each), each) for each in metrics]
    for row in _in_order(rows, style):
        (name,) = row.names
        lines.append([name, *_parts(row.usage, available.get(name), style)])
    missing = sorted(available.keys() - {row.names[0] for row in rows})
    lines += [[name, *[_UNKNOWN] * len(titles)] for name in missing]
    return _aligned(lines)


def _pod_row(metrics: JsonObject, *, namespaces: bool) -> _Row:
    metadata = metrics["metadata"]
    names = (metadata["namespace"],) if namespaces else ()
    usage = _sum(map(_read, metrics.get("containers") or ()))
    return _Row((*names, metadata["name"]), usage, metrics)


def _container_rows(pod: _Row) -> list[_Row]:
    return [
        _Row((*pod.names, each["name"]), _read(each), each)
        for each in pod.metrics.get("containers") or ()
    ]


def _read(metrics: JsonObject) -> Usage:
    usage: JsonObject = metrics.get("usage") or {}
    return {name: Quantity.parse(amount) for name, amount in usage.items()}


def _sum(usages: Iterable[Usage]) -> Usage:
    total: Usage = {}
    for usage in usages:
        for name, amount in usage.items():
            total[name] = total.get(name, _ZERO) + amount
    return total


def _in_order(rows: Iterable[_Row], style: TableStyle) -> list[_Row]:
    if not style.sort_by:
        return sorted(rows, key=lambda row: row.names)
    return sorted(rows, key=lambda row: _key(row.usage, style.sort_by), reverse=True)


def _key(usage: Usage, name: str) -> int:
    amount = usage.get(name, _ZERO)
    return amount.milli_value() if name == "cpu" else amount.value()


def _amounts(usage: Usage, style: TableStyle) -> list[str]:
    return [_amount(name, usage.get(name, _ZERO)) for name in style.resources]


def _amount(name: str, amount: Quantity) -> str:
    if name == "cpu":
        return f"{amount.milli_value()}m"
    return f"{amount.value() // _MEBIBYTE}Mi"


def _parts(usage: Usage, available: JsonObject | None, style: TableStyle) -> list[str]:
    """Each amount, and behind it the percentage, if there is something to compare."""
    cells: list[str] = []
    for name in style.resources:
        if name == "swap" and (available is None or "swap" not in available):
            cells += [_UNKNOWN, _UNKNOWN]
            continue
        amount = usage.get(name, _ZERO)
        cells.append(_amount(name, amount))
        if available is not None and name in available:
            whole = Quantity.parse(available[name]).milli_value()
            percent = amount.milli_value() * 100 // whole if whole else 0
            cells.append(f"{percent}%")
    return cells


def _aligned(lines: list[list[str]]) -> str:
    writer = TabWriter()
    for cells in lines:
        writer.line("".join(f"{cell}\t" for cell in cells))
    return writer.flush()
