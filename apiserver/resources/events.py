"""Events, served as core/v1 and as events.k8s.io/v1 over one storage.

Source: kubernetes/kubernetes pkg/apis/events/v1/conversion.go,
pkg/registry/core/event/strategy.go; columns as printers.go, printEvent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from apiserver.resources.cells import NAME, age_of, path, read, text
from apiserver.resources.registry import Column, Resource, StoredForm
from apiserver.resources.strategy import Strategy

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["CORE_EVENTS", "EVENTS_V1"]

# core/v1 name, events.k8s.io/v1 name
_RENAMED = (
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
)
_TO_CORE = {new: old for old, new in _RENAMED}
_FROM_CORE = dict(_RENAMED)
_OBJECT_FIELDS = (
    "kind",
    "namespace",
    "name",
    "uid",
    "apiVersion",
    "resourceVersion",
    "fieldPath",
)


def _renamed(obj: JsonObject, names: dict[str, str], api_version: str) -> JsonObject:
    renamed = {names.get(key, key): value for key, value in obj.items()}
    renamed["apiVersion"] = api_version
    return renamed


def to_core(event: JsonObject) -> JsonObject:
    """An events.k8s.io/v1 Event as core/v1 stores it."""
    return _renamed(event, _TO_CORE, "v1")


def from_core(event: JsonObject) -> JsonObject:
    """A stored core/v1 Event as events.k8s.io/v1 shows it."""
    return _renamed(event, _FROM_CORE, "events.k8s.io/v1")


class EventStrategy(Strategy):
    creates_on_update: ClassVar = True
    selectable_fields: ClassVar = {
        **{
            f"involvedObject.{field}": f"involvedObject.{field}"
            for field in _OBJECT_FIELDS
        },
        "reason": "reason",
        "reportingComponent": "reportingComponent",
        "source": "source.component",
        "type": "type",
    }

    def field_value(self, obj: JsonObject, label: str) -> str | None:
        value = super().field_value(obj, label)
        if label == "source" and not value:
            return str(obj.get("reportingComponent") or "")
        return value


class EventsV1Strategy(EventStrategy):
    selectable_fields: ClassVar = {
        **{f"regarding.{field}": f"regarding.{field}" for field in _OBJECT_FIELDS},
        "reason": "reason",
        "reportingController": "reportingController",
        "type": "type",
    }


def _first_seen(event: JsonObject) -> str | None:
    first = event.get("firstTimestamp") or event.get("eventTime")
    return str(first) if first else None


def _last_seen(event: JsonObject, now: float) -> str:
    series = read(event, "series.lastObservedTime")
    return age_of(series or event.get("lastTimestamp") or _first_seen(event), now)


def _object(event: JsonObject, now: float) -> str:
    kind = str(read(event, "involvedObject.kind") or "").lower()
    name = read(event, "involvedObject.name") or ""
    return f"{kind}/{name}" if name else kind


def _source(event: JsonObject, now: float) -> str:
    component = read(event, "source.component") or event.get("reportingComponent") or ""
    host = read(event, "source.host") or event.get("reportingInstance") or ""
    return f"{component}, {host}" if host else str(component)


def _count(event: JsonObject, now: float) -> str:
    return str(read(event, "series.count") or event.get("count") or 1)


def _message(event: JsonObject, now: float) -> str:
    return str(event.get("message") or "").strip()


_COLUMNS = (
    Column("Last Seen", _last_seen, description="When it last happened."),
    text("Type", "type", "Normal or Warning."),
    text("Reason", "reason", "Why, in one word."),
    Column("Object", _object, description="What it is about."),
    Column("Subobject", path("involvedObject.fieldPath"), wide=True),
    Column("Source", _source, wide=True, description="Who reported it."),
    Column("Message", _message, description="What happened."),
    Column(
        "First Seen",
        lambda event, now: age_of(_first_seen(event), now),
        wide=True,
        description="When it first happened.",
    ),
    Column("Count", _count, wide=True, description="How often it happened."),
    Column("Name", NAME.cell, format="name", wide=True, description="Its name."),
)


def _as_core(column: Column) -> Column:
    """The same column over an events.k8s.io/v1 object."""

    def cell(event: JsonObject, now: float) -> object:
        return column.cell(to_core(event), now)

    return Column(
        column.name,
        cell,
        column.type,
        column.format,
        column.wide,
        column.description,
    )


CORE_EVENTS = Resource(
    "",
    "v1",
    "events",
    "Event",
    namespaced=True,
    short_names=("ev",),
    columns=_COLUMNS,
    strategy=EventStrategy(),
)
EVENTS_V1 = Resource(
    "events.k8s.io",
    "v1",
    "events",
    "Event",
    namespaced=True,
    short_names=("ev",),
    columns=tuple(_as_core(column) for column in _COLUMNS),
    strategy=EventsV1Strategy(),
    stored_as=StoredForm("v1", to_core, from_core),
)
