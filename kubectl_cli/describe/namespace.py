"""Namespaces with their quotas and limits, and service accounts, described.

Source: kubernetes/kubectl pkg/describe/describe.go (describeNamespace,
DescribeResourceQuotas, DescribeLimitRanges, describeServiceAccount) of 1.36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.describe.limits import LIMIT_COLUMNS, limit_rows, scope_lines
from kubectl_cli.describe.writer import Description

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["describe_namespace", "describe_service_account"]


def describe_namespace(
    obj: JsonObject, quotas: list[JsonObject] | None, limits: list[JsonObject] | None
) -> str:
    """The namespace; None for quotas or limits that cannot be had."""
    out, metadata = Description(), obj["metadata"]
    out.line(f"Name:\t{metadata['name']}")
    out.labels("Labels", metadata.get("labels"))
    out.annotations(metadata.get("annotations"))
    status = obj.get("status") or {}
    out.line(f"Status:\t{status.get('phase') or ''}")
    if conditions := status.get("conditions"):
        _conditions(out, conditions)
    if quotas is not None:
        out.line("")
        _quotas(out, quotas)
    if limits is not None:
        out.line("")
        _limits(out, limits)
    return out.render()


def _conditions(out: Description, conditions: list[JsonObject]) -> None:
    out.line("Conditions:")
    out.line("Type\tStatus\tLastTransitionTime\tReason\tMessage", 1)
    out.line("----\t------\t------------------\t------\t-------", 1)
    from kubectl_cli.describe.writer import date

    for each in conditions:
        cells = (
            each.get("type"),
            each.get("status"),
            date(each.get("lastTransitionTime")),
            each.get("reason"),
            each.get("message"),
        )
        out.line("\t".join(str(cell or "") for cell in cells), 1)


def _quotas(out: Description, quotas: list[JsonObject]) -> None:
    if not quotas:
        out.line("No resource quota.")
        return
    out.line("Resource Quotas")
    for quota in sorted(quotas, key=lambda each: str(each["metadata"]["name"])):
        out.line(f"  Name:\t{quota['metadata']['name']}")
        for line in scope_lines(quota):
            out.line(f"  {line.lstrip()}")
        out.line("  Resource\tUsed\tHard")
        out.line("  --------\t---\t---")
        status = quota.get("status") or {}
        used = status.get("used") or {}
        for name, hard in sorted((status.get("hard") or {}).items()):
            out.line(f"  {name}\t{used.get(name, '0')}\t{hard}")


def _limits(out: Description, ranges: list[JsonObject]) -> None:
    if not ranges:
        out.line("No LimitRange resource.")
        return
    out.line("Resource Limits")
    out.line(" " + "\t".join(LIMIT_COLUMNS))
    out.line(" " + "\t".join("-" * len(title) for title in LIMIT_COLUMNS))
    for each in ranges:
        for row in limit_rows(each):
            out.line(" " + "\t".join(row))


def describe_service_account(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """The account, and the secrets with which its pods get images."""
    out, metadata = Description(), obj["metadata"]
    out.line(f"Name:\t{metadata['name']}")
    out.line(f"Namespace:\t{metadata.get('namespace') or ''}")
    out.labels("Labels", metadata.get("labels"))
    out.annotations(metadata.get("annotations"))
    secrets = [each.get("name") or "" for each in obj.get("imagePullSecrets") or ()]
    out.listed("Image pull secrets", secrets)
    out.events(events)
    return out.render()
