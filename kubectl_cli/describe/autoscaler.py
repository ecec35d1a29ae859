"""HorizontalPodAutoscalers, described.

Source: kubernetes/kubectl pkg/describe/describe.go
describeHorizontalPodAutoscalerV2 of 1.36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.go_text import quote
from kubectl_cli.describe.writer import Description, date

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject

__all__ = ["describe_autoscaler"]

_UNKNOWN = "<unknown>"


def describe_autoscaler(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """What it measures, and between which bounds it scales what."""
    out, spec = Description(), obj.get("spec") or {}
    status = obj.get("status") or {}
    out.identity(obj["metadata"])
    out.line(f"CreationTimestamp:\t{date(obj['metadata'].get('creationTimestamp'))}")
    target = spec.get("scaleTargetRef") or {}
    out.line(f"Reference:\t{target.get('kind') or ''}/{target.get('name') or ''}")
    out.line("Metrics:\t( current / target )")
    measured = status.get("currentMetrics") or []
    for index, metric in enumerate(spec.get("metrics") or ()):
        current = measured[index] if index < len(measured) else {}
        _metric(out, metric, current)
    least = spec.get("minReplicas")
    out.line(f"Min replicas:\t{'<unset>' if least is None else least}")
    out.line(f"Max replicas:\t{spec.get('maxReplicas') or 0}")
    _behavior(out, spec.get("behavior"))
    out.line(
        f"{target.get('kind') or ''} pods:\t{status.get('currentReplicas') or 0} current"
        f" / {status.get('desiredReplicas') or 0} desired"
    )
    if conditions := status.get("conditions"):
        out.line("Conditions:")
        out.line("Type\tStatus\tReason\tMessage", 1)
        out.line("----\t------\t------\t-------", 1)
        for each in conditions:
            keys = ("type", "status", "reason", "message")
            out.line("\t".join(str(each.get(key) or "") for key in keys), 1)
    out.events(events)
    return out.render()


def _metric(out: Description, metric: JsonObject, current: JsonObject) -> None:
    kind = str(metric.get("type") or "")
    key = kind[:1].lower() + kind[1:]
    describe = _METRICS.get(kind)
    if describe is None or not isinstance(metric.get(key), dict):
        out.line(f"<unknown metric type {quote(kind)}>", 1)
        return
    seen = (current.get(key) or {}).get("current") or {}
    out.line(describe(metric[key], seen), 1)


def _name(source: JsonObject) -> str:
    return quote(str((source.get("metric") or {}).get("name") or ""))


def _resource(source: JsonObject, current: JsonObject) -> str:
    what = f"resource {source.get('name')}"
    if container := source.get("container"):
        what += f' of container "{container}"'
    target = source.get("target") or {}
    if target.get("averageValue") is not None:
        seen = current.get("averageValue", _UNKNOWN)
        return f"{what} on pods:\t{seen} / {target['averageValue']}"
    seen = _UNKNOWN
    if current.get("averageUtilization") is not None:
        seen = f"{current['averageUtilization']}% ({current.get('averageValue')})"
    wanted = target.get("averageUtilization")
    shown = "<auto>" if wanted is None else f"{wanted}%"
    return f"{what} on pods  (as a percentage of request):\t{seen} / {shown}"


def _pods(source: JsonObject, current: JsonObject) -> str:
    seen = current.get("averageValue", _UNKNOWN)
    wanted = (source.get("target") or {}).get("averageValue")
    return f"{_name(source)} on pods:\t{seen} / {wanted}"


def _object(source: JsonObject, current: JsonObject) -> str:
    described = source.get("describedObject") or {}
    head = f"{_name(source)} on {described.get('kind')}/{described.get('name')}"
    average = (source.get("target") or {}).get("type") == "AverageValue"
    return f"{head} {_values(source, current, average=average)}"


def _external(source: JsonObject, current: JsonObject) -> str:
    average = (source.get("target") or {}).get("averageValue") is not None
    return f"{_name(source)} {_values(source, current, average=average)}"


def _values(source: JsonObject, current: JsonObject, *, average: bool) -> str:
    key = "averageValue" if average else "value"
    title = "target average value" if average else "target value"
    wanted = (source.get("target") or {}).get(key)
    return f"({title}):\t{current.get(key, _UNKNOWN)} / {wanted}"


_METRICS: dict[str, Callable[[JsonObject, JsonObject], str]] = {
    "ContainerResource": _resource,
    "External": _external,
    "Object": _object,
    "Pods": _pods,
    "Resource": _resource,
}


def _behavior(out: Description, behavior: JsonObject | None) -> None:
    if behavior is None:
        return
    out.line("Behavior:")
    for title, key in (("Scale Up", "scaleUp"), ("Scale Down", "scaleDown")):
        rules = behavior.get(key)
        if rules is None:
            continue
        out.line(f"{title}:", 1)
        window = rules.get("stabilizationWindowSeconds")
        if window is not None:
            out.line(f"Stabilization Window: {window} seconds", 2)
        if policies := rules.get("policies"):
            out.line(f"Select Policy: {rules.get('selectPolicy') or 'Max'}", 2)
            out.line("Policies:", 2)
            for each in policies:
                out.line(
                    f"- Type: {each['type']}\tValue: {each['value']}"
                    f"\tPeriod: {each['periodSeconds']} seconds",
                    3,
                )
