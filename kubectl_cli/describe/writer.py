"""Lines of a description, aligned where neighbours have columns.

Source: kubernetes/kubectl pkg/describe/describe.go (tabbedString: a tabwriter with
padding 2; levels of two blanks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_cli.clock import age, to_seconds
from kubectl_cli.printers.tabwriter import TabWriter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.types import JsonObject

__all__ = ["Description", "date", "event_interval", "go_list"]

_SKIPPED = "kubectl.kubernetes.io/last-applied-configuration"
_ANNOTATION_WIDTH = 140
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


class Description:
    """Collects lines; tabs in them are columns."""

    def __init__(self) -> None:
        self._writer = TabWriter(0, 2, remember=False)

    def line(self, text: str, level: int = 0) -> None:
        """One line, indented by its level."""
        self._writer.line("  " * level + text)

    def render(self, *, aligned: bool = True) -> str:
        """The text; with the tabs still in it when it is not to be aligned."""
        return self._writer.flush() if aligned else self._writer.flush_as_is()

    def labels(self, title: str, labels: dict[str, str] | None) -> None:
        """`Labels:  a=b`, one a line."""
        self.listed(title, [f"{key}={labels[key]}" for key in sorted(labels or {})])  # type: ignore[index]  # not empty

    def identity(self, metadata: JsonObject, *, with_labels: bool = True) -> None:
        """Name and namespace, then the labels and annotations that most show next."""
        self.line(f"Name:\t{metadata['name']}")
        self.line(f"Namespace:\t{metadata.get('namespace') or ''}")
        if with_labels:
            self.labels("Labels", metadata.get("labels"))
            self.annotations(metadata.get("annotations"))

    def controller(self, metadata: JsonObject) -> None:
        """`Controlled By:  ReplicaSet/web`, when something does."""
        for owner in metadata.get("ownerReferences") or ():
            if owner.get("controller"):
                self.line(f"Controlled By:\t{owner['kind']}/{owner['name']}")

    def reference(self, title: str, reference: JsonObject | None) -> None:
        """Group, kind and name of another object, if there is one."""
        if not reference:
            return
        self.line(f"{title}:")
        if reference.get("apiGroup") is not None:
            self.line(f"APIGroup:\t{reference['apiGroup']}", 1)
        self.line(f"Kind:\t{reference.get('kind') or ''}", 1)
        self.line(f"Name:\t{reference.get('name') or ''}", 1)

    def listed(self, title: str, items: Iterable[str], level: int = 0) -> None:
        """A title and its items below each other; `<none>` for none."""
        head = f"{title}:"
        for item in items:
            self.line(f"{head}\t{item}", level)
            head = ""
        if head:
            self.line(f"{head}\t<none>", level)

    def annotations(
        self, annotations: dict[str, str] | None, title: str = "Annotations"
    ) -> None:
        """Annotations; long ones and those of several lines stand below their key."""
        shown = {k: v for k, v in (annotations or {}).items() if k != _SKIPPED}
        if not shown:
            self.line(f"{title}:\t<none>")
        head = f"{title}:"
        for key in sorted(shown):
            value = shown[key].removesuffix("\n")
            if len(value) + len(key) + 2 <= _ANNOTATION_WIDTH and "\n" not in value:
                self.line(f"{head}\t{key}: {value}")
            else:
                self.line(f"{head}\t{key}:")
                for part in value.split("\n"):
                    self.line(f"\t  {_shorten(part, _ANNOTATION_WIDTH - 2)}")
            head = ""

    def events(self, events: list[JsonObject] | None) -> None:
        """The table of events, oldest first."""
        if events is None:
            return
        if not events:
            self.line("Events:\t<none>")
            return
        self.line("Events:")
        self.line("Type\tReason\tAge\tFrom\tMessage", 1)
        self.line("----\t------\t----\t----\t-------", 1)
        for event in sorted(events, key=_last_seen):
            self.line("\t".join(_event_cells(event)), 1)


def _shorten(text: str, limit: int) -> str:
    return text[:limit] + "..." if len(text) > limit else text


def _last_seen(event: JsonObject) -> float:
    stamp = event.get("lastTimestamp")
    return to_seconds(stamp) if stamp else float("-inf")


def event_interval(event: JsonObject) -> str:
    """`5s`, or for a repeated event `5s (x3 over 1m)`."""
    first = age(event.get("eventTime") or event.get("firstTimestamp"))
    series = event.get("series")
    count = event.get("count") or 0
    if series:
        since = age(series.get("lastObservedTime"))
        return f"{since} (x{series.get('count') or 0} over {first})"
    if count > 1:
        return f"{age(event.get('lastTimestamp'))} (x{count} over {first})"
    return first


def _event_cells(event: JsonObject) -> list[str]:
    source = (event.get("source") or {}).get("component")
    message = str(event.get("message") or "").strip()
    # 1.36: the part of the object stands before the message
    if path := (event.get("involvedObject") or {}).get("fieldPath"):
        message = f"{path}: {message}"
    return [
        event.get("type") or "",
        event.get("reason") or "",
        event_interval(event),
        source or event.get("reportingComponent") or "",
        message,
    ]


def date(timestamp: str | None) -> str:
    """RFC 1123 with a numeric zone, in local time: `Sun, 22 Nov 2026 06:25:09 +0000`."""
    if not timestamp:
        # the zero time.Time
        return "Mon, 01 Jan 0001 00:00:00 +0000"
    from datetime import datetime

    # metav1.Time is decoded into local time
    local = datetime.fromisoformat(timestamp).astimezone()
    day, month = _DAYS[local.weekday()], _MONTHS[local.month - 1]
    return f"{day}, {local.day:02} {month} {local.year} {local:%H:%M:%S %z}"


def go_list(items: Iterable[Any]) -> str:
    """A slice under %v."""
    return "[" + " ".join(map(str, items)) + "]"
