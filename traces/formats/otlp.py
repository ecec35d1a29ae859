"""Spans for OpenTelemetry: OTLP/JSON, as a collector takes it at /v1/traces.

The client is the root; each request on a hop is a span of who served it, below the one
that was under way on the hop before: client, apiserver, kubelet, runtime, process.

Source: opentelemetry-proto, trace/v1/trace.proto, and the OTLP specification on JSON
(ids in hex, 64-bit numbers as strings, enums as numbers); names of attributes from the
semantic conventions.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from traces.labels import label_of
from traces.lanes import dialler_of, listener_of
from traces.outcome import result_of
from traces.requests import request_of
from traces.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from traces.events import JsonObject
    from traces.formats.options import Options
    from traces.rows import Row
    from traces.sessions import Session

__all__ = ["render"]

_CLIENT, _SERVER, _INTERNAL = 3, 2, 1  # SpanKind
_ERROR = 2  # StatusCode
_MOST_EVENTS = 128  # the default of the SDKs
_ID = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(slots=True)
class _Span:
    """Something that one lane did for another."""

    name: str
    lane: str
    kind: int
    key: str
    start: float
    end: float
    parent: _Span | None = None
    rows: list[Row] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    def take(self, row: Row) -> None:
        self.rows.append(row)
        self.end = max(self.end, row.wall)


def render(sessions: Sequence[Session], options: Options) -> str:
    """One ExportTraceServiceRequest; a resource for each lane."""
    by_lane: dict[str, list[JsonObject]] = {}
    for session in sessions:
        for span in _spans(session, everything=options.everything):
            by_lane.setdefault(span.lane, []).append(_encoded(span, session))
    resources = [
        {
            "resource": {"attributes": _attributes({"service.name": lane})},
            "scopeSpans": [{"scope": {"name": "mini-kube"}, "spans": spans}],
        }
        for lane, spans in by_lane.items()
    ]
    return json.dumps({"resourceSpans": resources}, ensure_ascii=False, indent=1) + "\n"


def _spans(session: Session, *, everything: bool) -> list[_Span]:
    root = _root(session)
    spans = [root]
    current: dict[tuple[str, int | None], _Span] = {}
    for row in rows_of(session, everything=everything):
        key = _key(row)
        span = current.get(key)
        if span is None or _begins(row):
            span = _begin(row, spans)
            current[key] = span
            spans.append(span)
        span.take(row)
        _learn(span, row)
    # a connection that only was opened says nothing beside its requests
    return [span for span in spans if span is root or span.attributes]


def _root(session: Session) -> _Span:
    asked = session.asked
    span = _Span(
        name=" ".join(filter(None, (asked.verb, asked.pod))) or "session",
        lane="client",
        kind=_CLIENT,
        key=session.id,
        start=session.started,
        end=session.started + session.duration,
    )
    span.attributes = {
        "k8s.namespace.name": asked.namespace,
        "k8s.pod.name": session.pod,
        "k8s.container.name": asked.container,
        "process.command_args": list(asked.command),
        "process.exit.code": session.exit_code,
        "user_agent.original": session.client,
        "mini_kube.subprotocol": session.subprotocol,
        "mini_kube.status": session.status,
        "mini_kube.faults": list(session.faults),
    }
    if session.status not in ("exit 0", "closed", "running", "OK", "") and not (
        session.status.startswith(("2", "1"))
    ):
        span.error = session.status
    return span


def _key(row: Row) -> tuple[str, int | None]:
    """Calls share a connection; requests of HTTP/1.1 follow one another on it."""
    is_call = row.top.layer in ("grpc", "http2", "cri")
    return row.top.conn, row.top.stream if is_call else None


def _begins(row: Row) -> bool:
    return row.find("http1", "request") is not None


def _begin(row: Row, spans: list[_Span]) -> _Span:
    event = row.first
    lane = listener_of(event.hop)
    outer = dialler_of(event.hop)
    parents = [
        span for span in spans if span.lane == outer and span.start <= event.wall
    ]
    under_way = [span for span in parents if span.attributes] or spans[:1]
    kind = _INTERNAL if event.layer == "process" else _SERVER
    name = f"{event.hop} connection"
    key = f"{event.conn} {event.stream} {event.seq}"
    return _Span(name, lane, kind, key, event.wall, event.wall, under_way[-1])


def _learn(span: _Span, row: Row) -> None:
    request, response = row.find("http1", "request"), row.find("http1", "response")
    if request is not None:
        asked = request_of(request)
        span.name = f"{asked.verb if asked else ''} {row.top.hop}".strip()
        span.attributes |= {
            "http.request.method": str(request.info.get("method")),
            "url.path": str(request.info.get("target")).partition("?")[0],
            "mini_kube.hop": request.hop,
        }
    if response is not None:
        status = response.info.get("status")
        span.attributes["http.response.status_code"] = status
        if isinstance(status, int) and status >= 400:
            span.error = str(response.info.get("reason") or status)
    call, done = row.find("grpc", "call"), row.find("grpc", "status")
    if call is not None:
        service, _, method = str(call.info.get("method", "")).strip("/").rpartition("/")
        span.name = method or "call"
        span.attributes |= {
            "rpc.system": "grpc",
            "rpc.service": service,
            "rpc.method": method,
            "mini_kube.hop": call.hop,
        }
    if done is not None:
        span.attributes["rpc.grpc.status_code"] = done.info.get("code")
        if done.info.get("code"):
            span.error = str(done.info.get("message") or done.info.get("code"))
    _learn_more(span, row)


def _learn_more(span: _Span, row: Row) -> None:
    status, process = row.find("remotecommand", "status"), row.find("process")
    if status is not None:
        result = result_of(status.info)
        span.attributes["process.exit.code"] = (
            result.code if result.is_exit_code else None
        )
        span.error = result.message or None
    if process is not None:
        span.attributes["mini_kube.hop"] = process.hop
        if process.type in ("started", "spawned"):
            command = process.info.get("command")
            words = [str(word) for word in command] if isinstance(command, list) else []
            span.name = words[0] if words else "process"
            span.attributes["process.command_args"] = words
        elif process.type == "exited":
            span.attributes["process.exit.code"] = process.info.get("code")
    if row.fault:
        span.attributes["mini_kube.faults"] = [
            *span.attributes.get("mini_kube.faults", []),
            row.fault,
        ]


def _encoded(span: _Span, session: Session) -> JsonObject:
    encoded: JsonObject = {
        "traceId": _trace_id(session),
        "spanId": _span_id(span),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": _nanoseconds(span.start),
        "endTimeUnixNano": _nanoseconds(span.end),
        "attributes": _attributes(span.attributes),
        "events": _events(span.rows),
        "status": {"code": _ERROR, "message": span.error} if span.error else {},
    }
    if span.parent is not None:
        encoded["parentSpanId"] = _span_id(span.parent)
    lost = len(span.rows) - _MOST_EVENTS
    if lost > 0:
        encoded["droppedEventsCount"] = lost
    return encoded


def _events(rows: Iterable[Row]) -> list[JsonObject]:
    found = []
    for row in list(rows)[:_MOST_EVENTS]:
        label = label_of(row)
        facts = {
            "mini_kube.hop": row.top.hop,
            "mini_kube.direction": row.top.dir,
            "mini_kube.detail": label.detail,
            "mini_kube.size": row.top.len,
            "mini_kube.fault": row.fault,
        }
        found.append(
            {
                "timeUnixNano": _nanoseconds(row.wall),
                "name": label.text,
                "attributes": _attributes(facts),
            }
        )
    return found


def _attributes(facts: dict[str, Any]) -> list[JsonObject]:
    """Key and value of those that have one."""
    return [
        {"key": key, "value": _value(value)}
        for key, value in facts.items()
        if value is not None and value not in ("", [])
    ]


def _value(value: object) -> JsonObject:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"stringValue": str(value)}


def _trace_id(session: Session) -> str:
    if _ID.match(session.id) and session.id.strip("0"):
        return session.id
    return hashlib.sha256(session.id.encode()).hexdigest()[:32]


def _span_id(span: _Span) -> str:
    return hashlib.sha256(span.key.encode()).hexdigest()[:16]


def _nanoseconds(wall: float) -> str:
    return str(max(0, round(wall * 1_000_000)) * 1000)
