"""What a row says, in a few words, and of which kind it is."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from traces.outcome import result_of
from traces.printable import plain, quoted, shortened
from traces.requests import header_of, headers_of

if TYPE_CHECKING:
    from traces.events import Event
    from traces.rows import Row

__all__ = ["KINDS", "Label", "label_of", "size_text"]

#: Kinds of rows, for colours: what carries them out is the renderer's.
KINDS = (
    "http",
    "grpc",
    "stdin",
    "stdout",
    "stderr",
    "status",
    "resize",
    "control",
    "conn",
    "process",
    "fault",
    "data",
)
_STREAM_KINDS = {
    "stdin": "stdin",
    "stdout": "stdout",
    "stderr": "stderr",
    "error": "status",
    "resize": "resize",
}
_PREVIEW = 60
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class Label(NamedTuple):
    """`text` is what it is, `detail` what it holds; both are fit for any terminal."""

    kind: str
    text: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.text}  {self.detail}".rstrip()


def label_of(row: Row) -> Label:
    """The words of a row."""
    label = _LAYERS.get(row.top.layer, _other)(row)
    if row.fault:
        text = f"{label.text} ⚡ {row.fault}"
        return Label("fault", plain(text), plain(label.detail))
    return Label(label.kind, plain(label.text), plain(label.detail))


def size_text(size: int) -> str:
    """Bytes for people: 812 B, 31.2 KiB."""
    value, unit = float(size), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{size} B"


def _conn(row: Row) -> Label:
    event = row.first
    match event.type:
        case "open":
            return Label("conn", "connected", _peers(row))
        case "close":
            sizes = [
                f"{way} {size_text(_int(event.info.get(way)))}"
                for way in ("up", "down")
            ]
            reason = event.info.get("reason")
            return Label(
                "conn", f"closed ({reason})" if reason else "closed", ", ".join(sizes)
            )
        case "eof":
            return Label("conn", "end of direction")
    return Label("conn", event.type, _facts(event))


def _peers(row: Row) -> str:
    info = row.first.info
    tls = row.find("tls")
    words = [_address(info.get("peername"))]
    if tls is not None:
        words += [str(tls.info.get("version") or tls.info.get("tls") or "TLS")]
        words += [str(tls.info.get("alpn") or "")]
        words += ["resumed"] if tls.info.get("resumed") else []
    elif info.get("tls"):
        words += [str(info["tls"])]
    return " ".join(filter(None, words))


def _http1(row: Row) -> Label:
    event, top = row.first, row.top
    info = event.info
    if event.type == "request":
        return Label("http", f"{info.get('method')} {info.get('target')}", _body(row))
    if event.type == "response":
        chosen = header_of(info, "sec-websocket-protocol")
        chosen = chosen or header_of(info, "x-stream-protocol-version")
        detail = chosen if info.get("status") == 101 else _body(row)
        return Label(
            "http", f"{info.get('status')} {info.get('reason') or ''}".strip(), detail
        )
    return Label("http", f"{top.type} {size_text(top.len)}", _preview(top))


def _body(row: Row) -> str:
    size = sum(event.len for event in row.events if event.type == "body")
    return f"+ {size_text(size)}" if size else ""


def _websocket(row: Row) -> Label:
    event = row.top
    info = event.info
    if event.type == "close":
        words = (info.get("code"), info.get("reason"), info.get("error"))
        return Label("control", "close", " ".join(str(each) for each in words if each))
    if event.type in ("ping", "pong"):
        return Label("control", event.type, _preview(event))
    part = "" if info.get("fin", True) else " (fragment)"
    return Label("data", f"{event.type}{part} {size_text(event.len)}", _preview(event))


def _channel(row: Row) -> Label:
    event = row.top
    kind = _STREAM_KINDS.get(event.type, "data")
    name = event.type
    if name == "data":
        name = f"port channel {event.channel if event.channel is not None else event.stream}"
    if not event.len:
        return Label("control", f"{name} opened")
    return Label(kind, f"{name} {size_text(event.len)}", _preview(event))


def _remotecommand(row: Row) -> Label:
    event = row.top
    info = event.info
    match event.type:
        case "resize":
            return Label("resize", f"resize {info.get('width')}x{info.get('height')}")
        case "status":
            return Label("status", f"status: {_result(event)}")
        case "ready":
            return Label("control", "ready", "the first message is empty")
        case "close":
            return Label("control", f"close {info.get('channel')}", _v5(row))
        case "stream":
            return Label("control", f"stream {info.get('name')} opened")
        case "stdin_end":
            return Label("control", "end of stdin")
    return Label("control", event.type.replace("_", " "), _facts(event))


def _v5(row: Row) -> str:
    return "v5 channel 255" if row.find("channel") else ""


def _result(event: Event) -> str:
    result = result_of(event.info)
    if result.success:
        return "Success"
    return f"exit code {result.code}" if result.is_exit_code else result.message


def _spdy(row: Row) -> Label:
    event = row.top
    info = event.info
    name = str(info.get("name") or "")
    end = ", end of stream" if info.get("fin") else ""
    where = f"{name} #{event.stream}".strip() if event.stream is not None else name
    if event.type == "data":
        kind = _STREAM_KINDS.get(name, "data")
        if not event.len:
            return Label("control", f"end of {where}")
        return Label(kind, f"{where} {size_text(event.len)}{end}", _preview(event))
    text = f"{event.type.upper()} {where}".strip()
    hidden = ("fin", "name", "headers")
    facts = {key: value for key, value in info.items() if key not in hidden}
    return Label("control", text + end, _pairs(facts) or _spdy_headers(info))


def _spdy_headers(info: dict[str, Any]) -> str:
    wanted = ("port", "requestid")
    found = [f"{key}={value}" for key, value in headers_of(info) if key in wanted]
    return " ".join(found)


def _portforward(row: Row) -> Label:
    event = row.top
    info = event.info
    request = f" #{info['request_id']}" if "request_id" in info else ""
    where = f"port {info.get('port', '?')}{request}"
    preview = _preview(event)
    if event.type == "data":
        return Label("data", f"{where} {size_text(event.len)}", preview)
    kind = "status" if event.type == "error" and event.len else "control"
    hidden = ("port", "request_id")
    facts = {key: value for key, value in info.items() if key not in hidden}
    words = "end of data" if event.type == "eof" else event.type.replace("_", " ")
    return Label(kind, f"{where} {words}", preview or _pairs(facts))


def _grpc(row: Row) -> Label:
    call, status = row.find("grpc", "call"), row.find("grpc", "status")
    message = row.find("grpc", "message")
    known = call or message or status
    method = (
        str(known.info.get("method", "")).rpartition("/")[2] if known else row.top.type
    )
    if status is not None and status.info.get("code"):
        code, words = status.info.get("code"), status.info.get("message")
        return Label("grpc", f"{method} failed with code {code}", str(words or ""))
    text = method if call is not None else f"{method} answered"
    if call is None and status is None:
        text = f"{method} message"
    if message is None:
        return Label("grpc", text)
    decoded = message.info.get("message")
    if isinstance(decoded, dict):
        return Label("grpc", text, shortened(_compact(decoded), 200))
    return Label("grpc", text, size_text(message.len))


def _compact(message: dict[str, Any]) -> str:
    """A protobuf message as prototext has it, on one line."""
    words = []
    for key, value in message.items():
        if isinstance(value, dict):
            words.append(f"{key}{{{_compact(value)}}}")
        elif isinstance(value, list):
            inner = (_compact(v) if isinstance(v, dict) else str(v) for v in value)
            words.append(f"{key}[{', '.join(inner)}]")
        else:
            words.append(f"{key}={value}")
    return " ".join(words)


def _http2(row: Row) -> Label:
    event = row.top
    where = f" #{event.stream}" if event.stream else ""
    size = size_text(event.len) if event.len else ""
    return Label("control", f"HTTP/2 {event.type}{where}", size)


def _process(row: Row) -> Label:
    event = row.top
    info = event.info
    match event.type.replace("_", " "):
        case "started" | "spawned":
            command = info.get("command")
            words = [str(word) for word in command] if isinstance(command, list) else []
            return Label("process", "started", shlex.join(words))
        case "exited":
            signal = f" by signal {info['signal']}" if info.get("signal") else ""
            return Label("process", f"exited with {info.get('code')}{signal}")
        case "resize":
            return Label("resize", f"resize {info.get('width')}x{info.get('height')}")
        case "stdin" | "stdout" | "stderr" as name if event.len:
            return Label(name, f"{name} {size_text(event.len)}", _preview(event))
        case words:
            return Label("process", words, _facts(event))


def _log_lines(row: Row) -> Label:
    event = row.top
    match event.type:
        case "lines":
            return Label("stdout", f"log {size_text(event.len)}", _preview(event))
        case "records":
            name = f"log file {size_text(event.len)}"
            return Label("stdout", name, _preview(event))
        case "end":
            return Label("control", "end of log")
    return Label("process", f"log file {event.type}", _facts(event))


def _other(row: Row) -> Label:
    event = row.top
    size = f" {size_text(event.len)}" if event.len else ""
    name = event.layer if event.type == "data" else f"{event.layer} {event.type}"
    return Label("data", f"{name}{size}", _preview(event) or _facts(event))


_LAYERS = {
    "conn": _conn,
    "tls": _conn,
    "http1": _http1,
    "websocket": _websocket,
    "channel": _channel,
    "remotecommand": _remotecommand,
    "portforward": _portforward,
    "spdy": _spdy,
    "http2": _http2,
    "grpc": _grpc,
    "cri": _grpc,
    "etcd": _grpc,
    "podresources": _grpc,
    "crilog": _log_lines,
    "process": _process,
}


def _preview(event: Event) -> str:
    payload = event.payload
    return quoted(payload, _PREVIEW) if payload else ""


def _facts(event: Event) -> str:
    return _pairs(event.info)


def _pairs(facts: dict[str, Any]) -> str:
    words = [
        f"{key}={value}" for key, value in facts.items() if value not in ("", None)
    ]
    return shortened(" ".join(words), 200)


def _address(value: object) -> str:
    if isinstance(value, list | tuple) and len(value) >= 2:
        return f"{value[0]}:{value[1]}"
    return value if isinstance(value, str) else ""


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
