"""Jobs and CronJobs, described.

Source: kubernetes/kubectl pkg/describe/describe.go (describeJob, describeCronJob,
describeJobTemplate) of 1.36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_cli.clock import to_seconds
from kubectl_cli.describe.pod_template import describe_pod_template
from kubectl_cli.describe.writer import Description, date
from kubectl_cli.selecting.pods import format_selector

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["describe_cron_job", "describe_job"]

_MOST_INDEXES = 50


def describe_job(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """The Job, and how far it is."""
    out, spec = Description(), obj.get("spec") or {}
    status, metadata = obj.get("status") or {}, obj["metadata"]
    out.identity(metadata, with_labels=False)
    out.line(f"Selector:\t{format_selector(spec.get('selector') or {})}")
    out.labels("Labels", metadata.get("labels"))
    out.annotations(metadata.get("annotations"))
    out.controller(metadata)
    _told(out, "Parallelism", spec.get("parallelism"))
    out.line(f"Completions:\t{_or_unset(spec.get('completions'))}")
    _told(out, "Completion Mode", spec.get("completionMode"))
    if spec.get("suspend") is not None:
        out.line(f"Suspend:\t{'true' if spec['suspend'] else 'false'}")
    _told(out, "Backoff Limit", spec.get("backoffLimit"))
    _told(out, "TTL Seconds After Finished", spec.get("ttlSecondsAfterFinished"))
    _times(out, status)
    _told(out, "Active Deadline Seconds", spec.get("activeDeadlineSeconds"), "s")
    ready = status.get("ready")
    out.line(
        f"Pods Statuses:\t{status.get('active') or 0} Active"
        f"{'' if ready is None else f' ({ready} Ready)'} /"
        f" {status.get('succeeded') or 0} Succeeded / {status.get('failed') or 0} Failed"
    )
    if spec.get("completionMode") == "Indexed":
        out.line(
            f"Completed Indexes:\t{_indexes(status.get('completedIndexes') or '')}"
        )
    describe_pod_template(out, spec.get("template"))
    out.events(events)
    return out.render()


def _times(out: Description, status: JsonObject) -> None:
    begin, end = status.get("startTime"), status.get("completionTime")
    if begin:
        out.line(f"Start Time:\t{date(begin)}")
    if end:
        out.line(f"Completed At:\t{date(end)}")
    if begin and end:
        from apimachinery.duration import human_duration

        duration = human_duration(to_seconds(end) - to_seconds(begin))
        out.line(f"Duration:\t{duration}")


def _indexes(text: str) -> str:
    """`0-3,5`, cut at a comma when it is long."""
    if len(text) <= _MOST_INDEXES:
        return text or "<none>"
    kept = text[: text.rfind(",", 0, _MOST_INDEXES) + 1] or text[:_MOST_INDEXES]
    return kept + "..."


def describe_cron_job(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """The CronJob with the Job that it makes."""
    out, spec = Description(), obj.get("spec") or {}
    status = obj.get("status") or {}
    out.identity(obj["metadata"])
    out.line(f"Schedule:\t{spec.get('schedule') or ''}")
    out.line(f"Concurrency Policy:\t{spec.get('concurrencyPolicy') or ''}")
    suspend = spec.get("suspend")
    out.line(f"Suspend:\t{'<unset>' if suspend is None else suspend}")
    out.line(f"Time Zone:\t{spec.get('timeZone') or '<unset>'}")
    for title, key, unit in (
        ("Successful Job History Limit", "successfulJobsHistoryLimit", ""),
        ("Failed Job History Limit", "failedJobsHistoryLimit", ""),
        ("Starting Deadline Seconds", "startingDeadlineSeconds", "s"),
    ):
        out.line(f"{title}:\t{_or_unset(spec.get(key), unit)}")
    _job_template(out, (spec.get("jobTemplate") or {}).get("spec") or {})
    last = status.get("lastScheduleTime")
    out.line(f"Last Schedule Time:\t{date(last) if last else '<unset>'}")
    active = [each.get("name") or "" for each in status.get("active") or ()]
    out.line(f"Active Jobs:\t{', '.join(active) or '<none>'}")
    out.events(events)
    return out.render()


def _job_template(out: Description, spec: JsonObject) -> None:
    selector = spec.get("selector")
    shown = "<unset>" if selector is None else format_selector(selector)
    out.line(f"Selector:\t{shown}")
    out.line(f"Parallelism:\t{_or_unset(spec.get('parallelism'))}")
    out.line(f"Completions:\t{_or_unset(spec.get('completions'))}")
    _told(out, "Active Deadline Seconds", spec.get("activeDeadlineSeconds"), "s")
    describe_pod_template(out, spec.get("template"))


def _told(out: Description, title: str, value: Any, unit: str = "") -> None:
    if value is not None:
        out.line(f"{title}:\t{value}{unit}")


def _or_unset(value: Any, unit: str = "") -> str:
    return "<unset>" if value is None else f"{value}{unit}"
