"""An HTTP archive, version 1.2: every request on every hop, with WebSocket messages.

Sources: http://www.softwareishard.com/blog/har-12-spec/; WebSocket messages as Chrome's
developer tools write them (`_webSocketMessages`, base64 for all but text). Unlike Chrome
we also write control frames: opcodes 8, 9 and 10. gRPC calls are entries, too.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from traces.requests import header_of, headers_of
from traces.vantage import one_vantage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from traces.events import Event, JsonObject
    from traces.formats.options import Options
    from traces.sessions import Session

__all__ = ["render"]

_OPCODES = {
    "continuation": 0,
    "text": 1,
    "binary": 2,
    "close": 8,
    "ping": 9,
    "pong": 10,
}
_UNKNOWN = -1  # as the specification has it for sizes and times
#: The runtime's socket and its streams, and probes.
_WITHOUT_TLS = ("kubelet-cri", "kubelet-pod")


def render(sessions: Sequence[Session], options: Options) -> str:
    """One archive of all sessions; each is a page."""
    entries = [entry for session in sessions for entry in _entries(session)]
    log = {
        "version": "1.2",
        "creator": {"name": "mini-kube", "version": "0.1.0"},
        "pages": [_page(session) for session in sessions],
        "entries": sorted(entries, key=lambda entry: str(entry["startedDateTime"])),
    }
    return json.dumps({"log": log}, ensure_ascii=False, indent=1) + "\n"


@dataclass(slots=True)
class _Exchange:
    """A request, and what came of it."""

    request: Event
    response: Event | None = None
    status: Event | None = None  # of a gRPC call
    bodies: dict[str, list[Event]] = field(
        default_factory=lambda: {"up": [], "down": []}
    )
    messages: list[Event] = field(default_factory=list)  # WebSocket
    last: float = 0.0
    peer: str = ""


def _page(session: Session) -> JsonObject:
    return {
        "startedDateTime": _date(session.started),
        "id": session.id,
        "title": session.title,
        "pageTimings": {"onContentLoad": _UNKNOWN, "onLoad": _UNKNOWN},
        "_client": session.client,
        "_status": session.status,
    }


def _entries(session: Session) -> list[JsonObject]:
    exchanges = _exchanges(one_vantage(session.events))
    return [_entry(session, exchange) for exchange in exchanges]


def _exchanges(events: Iterable[Event]) -> list[_Exchange]:
    """The requests of HTTP/1.1 connections and the calls of gRPC."""
    found: dict[tuple[str, int | None], _Exchange] = {}
    peers: dict[str, str] = {}
    last: dict[str, _Exchange] = {}  # of a connection
    heads: dict[tuple[str, int | None], Event] = {}
    for event in events:
        key = event.conn, event.stream
        match event.layer, event.type:
            case "conn", "open":
                peers[event.conn] = _ip(event.info)
            case "http1", "request":
                found[key] = last[event.conn] = _Exchange(event)
            case "http2", "headers" if event.dir == "up":
                heads[key] = event
            case "grpc", "call":
                found[key] = _Exchange(heads.get(key, event))
            case ("http2", "headers") | ("http1", "response"):
                _answer(found.get(key), event)
            case ("http1", "body") | ("grpc", "message") if key in found:
                found[key].bodies.setdefault(event.dir, []).append(event)
            case "grpc", "status" if key in found:
                found[key].status = event
            case "websocket", _ if event.conn in last:
                last[event.conn].messages.append(event)
        exchange = found.get(key) or last.get(event.conn)
        if exchange is not None:
            exchange.last = event.wall
            exchange.peer = peers.get(event.conn, "")
    return list(found.values())


def _answer(exchange: _Exchange | None, event: Event) -> None:
    # the trailers of a call come as a second head, interim answers before the final one
    if exchange is not None and (exchange.response is None or event.layer == "http1"):
        exchange.response = event


def _entry(session: Session, exchange: _Exchange) -> JsonObject:
    request, response = exchange.request, exchange.response
    sent = request.wall
    answered = response.wall if response is not None else exchange.last
    wait, receive = _ms(answered - sent), _ms(exchange.last - answered)
    entry: JsonObject = {
        "pageref": session.id,
        "startedDateTime": _date(sent),
        "time": round(wait + receive, 3),
        "request": _request(exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": receive},
        "connection": request.conn,
        "_hop": request.hop,
        "_session": session.id,
    }
    if exchange.peer:
        entry["serverIPAddress"] = exchange.peer
    if exchange.messages:
        entry["_resourceType"] = "websocket"
        entry["_webSocketMessages"] = _messages(exchange.messages)
    if exchange.status is not None:
        entry["_grpcStatus"] = exchange.status.info.get("code")
    return entry


def _request(exchange: _Exchange) -> JsonObject:
    event = exchange.request
    headers = _headers(event.info)
    named = {header["name"]: header["value"] for header in reversed(headers)}
    target = str(event.info.get("target") or named.get(":path", "/"))
    host = header_of(event.info, "host") or named.get(":authority") or event.hop
    scheme = "ws" if exchange.messages else "http"
    scheme += "" if event.hop.startswith(_WITHOUT_TLS) else "s"
    body = exchange.bodies["up"]
    request: JsonObject = {
        "method": str(event.info.get("method") or named.get(":method", "POST")),
        "url": f"{scheme}://{host}{target}",
        "httpVersion": _version(event),
        "cookies": [],
        "headers": headers,
        "queryString": _query(target),
        "headersSize": event.len if event.layer == "http1" else _UNKNOWN,
        "bodySize": sum(each.len for each in body),
    }
    if body:
        kind = header_of(event.info, "content-type")
        text, is_base64 = _text(body)
        request["postData"] = {"mimeType": kind, "text": text}
        if is_base64:
            request["postData"]["_encoding"] = "base64"
    return request


def _response(exchange: _Exchange) -> JsonObject:
    """A request that was never answered has status 0, as in Chrome."""
    event = exchange.response
    info: JsonObject = event.info if event is not None else {}
    headers = _headers(info)
    named = {header["name"]: header["value"] for header in reversed(headers)}
    status = info.get("status", named.get(":status", 0))
    body = exchange.bodies["down"]
    content: JsonObject = {
        "size": sum(each.len for each in body),
        "mimeType": header_of(info, "content-type") or "x-unknown",
    }
    if body:
        content["text"], is_base64 = _text(body)
        if is_base64:
            content["encoding"] = "base64"
    return {
        "status": int(status) if str(status).isdigit() else 0,
        "statusText": str(info.get("reason") or ""),
        "httpVersion": _version(event or exchange.request),
        "cookies": [],
        "headers": headers,
        "content": content,
        "redirectURL": header_of(info, "location"),
        "headersSize": event.len if event is not None else _UNKNOWN,
        "bodySize": content["size"],
    }


def _messages(events: Iterable[Event]) -> list[JsonObject]:
    return [_message(event) for event in events]


def _message(event: Event) -> JsonObject:
    payload = event.payload or b""
    is_text = event.type == "text"
    data = payload.decode(errors="replace") if is_text else _base64(payload)
    message: JsonObject = {
        "type": "send" if event.dir == "up" else "receive",
        "time": round(event.wall, 6),
        "opcode": _OPCODES.get(event.type, _UNKNOWN),
        "data": data,
    }
    if len(payload) < event.len:
        message["_length"] = event.len  # the trace has not all of it
    return message


def _text(body: Iterable[Event]) -> tuple[str, bool]:
    """The body as text, or else in base64."""
    decoded = [event.info.get("message") for event in body]
    if any(decoded):
        return json.dumps(decoded[0] if len(decoded) == 1 else decoded), False
    data = b"".join(event.payload or b"" for event in body)
    try:
        return data.decode(), False
    except UnicodeDecodeError:
        return _base64(data), True


def _headers(info: JsonObject) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers_of(info)]


def _query(target: str) -> list[dict[str, str]]:
    try:
        pairs = parse_qsl(target.partition("?")[2], keep_blank_values=True)
    except ValueError:
        return []
    return [{"name": name, "value": value} for name, value in pairs]


def _version(event: Event) -> str:
    return "HTTP/1.1" if event.layer == "http1" else "HTTP/2.0"


def _ip(info: JsonObject) -> str:
    peer = info.get("peername")
    try:
        return str(ip_address(peer[0])) if isinstance(peer, list) and peer else ""
    except ValueError:
        return ""


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _date(wall: float) -> str:
    text = datetime.fromtimestamp(max(0.0, wall), UTC).isoformat(
        timespec="microseconds"
    )
    return text.replace("+00:00", "Z")


def _ms(seconds: float) -> float:
    return round(max(0.0, seconds) * 1000, 3)
