"""ResourceQuotas, LimitRanges, PriorityClasses and PodDisruptionBudgets, described.

Source: kubernetes/kubectl pkg/describe/describe.go (ResourceQuotaDescriber,
LimitRangeDescriber, describePriorityClass, describePodDisruptionBudgetV1) of 1.36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.describe.writer import Description
from kubectl_cli.selecting.pods import format_selector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject

__all__ = [
    "LIMIT_COLUMNS",
    "describe_budget",
    "describe_limit_range",
    "describe_priority_class",
    "describe_quota",
    "limit_rows",
    "scope_lines",
]

LIMIT_COLUMNS = (
    "Type",
    "Resource",
    "Min",
    "Max",
    "Default Request",
    "Default Limit",
    "Max Limit/Request Ratio",
)
_LIMIT_FIELDS = ("min", "max", "defaultRequest", "default", "maxLimitRequestRatio")
_SCOPES = {
    "Terminating": "Matches all pods that have an active deadline. These pods have a"
    " limited lifespan on a node before being actively terminated by the system.",
    "NotTerminating": "Matches all pods that do not have an active deadline. These pods"
    " usually include long running pods whose container command is not expected to"
    " terminate.",
    "BestEffort": "Matches all pods that do not have resource requirements set. These"
    " pods have a best effort quality of service.",
    "NotBestEffort": "Matches all pods that have at least one resource requirement set."
    " These pods have a burstable or guaranteed quality of service.",
}


def describe_quota(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """What is used of what; kubectl shows no events here."""
    del events
    out = Description()
    out.identity(obj["metadata"], with_labels=False)
    for line in scope_lines(obj):
        out.line(line)
    out.line("Resource\tUsed\tHard")
    out.line("--------\t----\t----")
    status = obj.get("status") or {}
    used = status.get("used") or {}
    for name, hard in sorted((status.get("hard") or {}).items()):
        out.line(f"{name}\t{used.get(name, '0')}\t{hard}")
    return out.render()


def scope_lines(quota: JsonObject) -> Iterator[str]:
    """The scopes of a quota, and what they mean; nothing when it has none."""
    scopes = sorted((quota.get("spec") or {}).get("scopes") or ())
    if scopes:
        yield f"Scopes:\t{', '.join(scopes)}"
        yield from (f" * {_SCOPES[scope]}" for scope in scopes if scope in _SCOPES)


def describe_limit_range(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """A row for each resource; kubectl shows no events here."""
    del events
    out = Description()
    out.identity(obj["metadata"], with_labels=False)
    out.line("\t".join(LIMIT_COLUMNS))
    out.line("\t".join("-" * len(title) for title in LIMIT_COLUMNS))
    for row in limit_rows(obj):
        out.line("\t".join(row))
    return out.render()


def limit_rows(limit_range: JsonObject) -> Iterator[list[str]]:
    """The cells below LIMIT_COLUMNS; `-` for what is not limited."""
    for item in (limit_range.get("spec") or {}).get("limits") or ():
        values = [item.get(field) or {} for field in _LIMIT_FIELDS]
        for resource in sorted({name for each in values for name in each}):
            cells = [str(each.get(resource, "-")) for each in values]
            yield [item.get("type") or "", resource, *cells]


def describe_priority_class(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """The class, and what its pods may do to others."""
    out = Description()
    out.line(f"Name:\t{obj['metadata']['name']}")
    out.line(f"Value:\t{obj.get('value') or 0}")
    out.line(f"GlobalDefault:\t{'true' if obj.get('globalDefault') else 'false'}")
    policy = obj.get("preemptionPolicy") or "<unset>"
    out.line(f"PreemptionPolicy:\t{policy}")
    out.line(f"Description:\t{obj.get('description') or ''}")
    out.annotations(obj["metadata"].get("annotations"))
    out.events(events)
    return out.render()


def describe_budget(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """How many pods may be missing, and how many are."""
    out, spec, metadata = Description(), obj.get("spec") or {}, obj["metadata"]
    out.line(f"Name:\t{metadata['name']}")
    out.line(f"Namespace:\t{metadata.get('namespace') or ''}")
    if spec.get("minAvailable") is not None:
        out.line(f"Min available:\t{spec['minAvailable']}")
    elif spec.get("maxUnavailable") is not None:
        out.line(f"Max unavailable:\t{spec['maxUnavailable']}")
    selector = spec.get("selector")
    shown = "<unset>" if selector is None else format_selector(selector) or "<none>"
    out.line(f"Selector:\t{shown}")
    out.line("Status:")
    status = obj.get("status") or {}
    for title, key in (
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ):
        out.line(f"{title}:\t{status.get(key) or 0}", 2)
    out.events(events)
    return out.render()
