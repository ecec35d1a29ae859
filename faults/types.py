"""Every fault there is: its name, its parameters, and what makes it.

The one table that the engine, the command line, the control API and the documentation
share. What makes a fault is imported when a rule first needs it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from typing import Any, Literal

from faults.parameters import HEADER_NAME, HEADER_VALUE, Parameter, RuleError
from wire.grpc_codes import GRPC_CODES

__all__ = ["GROUPS", "TYPES", "FaultType", "Group", "find_type"]

Group = Literal[
    "toxic", "bytes", "frames", "session", "http", "grpc", "certificate", "process"
]

#: How each group is called for people.
GROUPS: dict[Group, str] = {
    "toxic": "toxiproxy's toxics",
    "bytes": "bytes",
    "frames": "frames",
    "session": "what a streaming session says",
    "http": "requests and handshakes",
    "grpc": "gRPC calls",
    "certificate": "certificates",
    "process": "processes",
}


@dataclass(frozen=True, slots=True)
class FaultType:
    """One kind of fault.

    Attributes:
        maker: `module:name` of its class.
        stage: "bytes" and "frames" act on what goes by; "tls" on the handshake.
        stream: "upstream", "downstream" or "both" where it makes sense, and which
            of them when the rule does not say; "" when it has no direction.
        whole: the rule is for connections, not for requests: a selector may name a
            connection only.
    """

    name: str
    group: Group
    text: str
    parameters: tuple[Parameter, ...]
    maker: str
    stage: Literal["bytes", "frames", "tls"] = "bytes"
    stream: str = "downstream"
    whole: bool = False

    def make(self, *arguments: Any) -> Any:
        """An object of the fault's class."""
        module, _, name = self.maker.partition(":")
        return getattr(importlib.import_module(module), name)(*arguments)


def _int(name: str, default: int, text: str, **options: Any) -> Parameter:
    return Parameter(name, "int", default, text, **options)


def _text(name: str, default: str, text: str, **options: Any) -> Parameter:
    return Parameter(name, "text", default, text, **options)


_LAYERS = (
    "any",
    "http1",
    "websocket",
    "channel",
    "remotecommand",
    "spdy",
    "http2",
    "grpc",
)
_PROBABILITY = Parameter(
    "probability",
    "float",
    1.0,
    "the share of the frames that are meant that it strikes",
    most=1,
)
_N = _int("n", 1, "the n-th of these frames of a connection and direction; 0: each")
_PICK = (
    _text("layer", "any", "the layer of the frames that are meant", choices=_LAYERS),
    _text("frame", "", "their type, in the words of the trace; empty: any"),
    _text("channel", "", "their channel or stream, by name or number; empty: any"),
    _N,
    _PROBABILITY,
)
_PAYLOAD = (
    _text("payload", "", "the payload, as text"),
    Parameter("payload_base64", "base64", "", "the payload, as base64"),
)


def _pick(**defaults: Any) -> tuple[Parameter, ...]:
    """The parameters that pick frames, some with another default."""
    return tuple(
        replace(parameter, default=defaults.get(parameter.name, parameter.default))
        for parameter in _PICK
    )


def _only(*names: str, **defaults: Any) -> tuple[Parameter, ...]:
    """Some of the parameters that pick frames; the others are fixed, and not shown."""
    return tuple(
        parameter if parameter.name in names else replace(parameter, private=True)
        for parameter in _pick(**defaults)
    )


_ANSWER = (
    _text(
        "reason",
        "",
        "the words behind the status; empty: the usual ones",
        pattern=HEADER_VALUE,
    ),
    _text("body", "", "the body"),
    _text(
        "content_type",
        "text/plain",
        "its Content-Type; empty: none",
        pattern=HEADER_VALUE,
    ),
    Parameter("headers", "headers", {}, "more headers, `Name: value`, a line each"),
)
_POSITION = (
    _int("after", 0, "how many bytes pass before", unit="bytes"),
    _int("chunk", 0, "in place of `after`: where the n-th chunk begins, from 1"),
)
_METHOD = _text("method", "", "the method: Exec, or /package.Service/Exec; empty: any")
_MS = "ms"


def _toxic(
    name: str, text: str, *parameters: Parameter, maker: str, **options: Any
) -> FaultType:
    return FaultType(
        name, "toxic", text, parameters, f"faults.toxics:{maker}", **options
    )


def _bytes(
    name: str, text: str, *parameters: Parameter, maker: str, **options: Any
) -> FaultType:
    maker = f"faults.byte_faults:{maker}"
    return FaultType(name, "bytes", text, parameters, maker, **options)


def _frames(
    name: str, text: str, *parameters: Parameter, maker: str, **options: Any
) -> FaultType:
    maker = f"faults.frame_faults:{maker}"
    return FaultType(name, "frames", text, parameters, maker, "frames", **options)


def _session(
    name: str, text: str, *parameters: Parameter, maker: str, **options: Any
) -> FaultType:
    maker = f"faults.session_faults:{maker}"
    return FaultType(name, "session", text, parameters, maker, "frames", **options)


def _http(
    name: str, text: str, *parameters: Parameter, maker: str, stream: str = ""
) -> FaultType:
    maker = f"faults.http_faults:{maker}"
    return FaultType(name, "http", text, parameters, maker, "frames", stream)


def _grpc(name: str, text: str, *parameters: Parameter, maker: str) -> FaultType:
    maker = f"faults.grpc_faults:{maker}"
    return FaultType(name, "grpc", text, parameters, maker, "frames", "")


def _certificate(name: str, text: str) -> FaultType:
    parameters = (
        _text("cert_pem", "", "made by who adds the rule", private=True),
        _text("key_pem", "", "made by who adds the rule", private=True),
    )
    maker = "faults.tls_faults:ServedCertificate"
    return FaultType(name, "certificate", text, parameters, maker, "tls", "", True)


_ALL = (
    _toxic(
        "latency",
        "everything comes late, in order",
        _int("latency", 0, "how late", unit=_MS),
        _int("jitter", 0, "up to so much more or less", unit=_MS),
        maker="Latency",
    ),
    _toxic(
        "bandwidth",
        "so much passes in a second",
        _int("rate", 0, "0: nothing passes", unit="KB/s"),
        maker="Bandwidth",
    ),
    _toxic(
        "slow_close",
        "the end of the connection comes late",
        _int("delay", 0, "how late", unit=_MS),
        maker="SlowClose",
    ),
    _toxic(
        "timeout",
        "nothing passes, and the connection is closed when nothing came for a while",
        _int("timeout", 0, "that while; 0: it stays open", unit=_MS),
        maker="Timeout",
    ),
    _toxic(
        "reset_peer",
        "the connection is reset at its first data",
        _int("timeout", 0, "so long after it", unit=_MS),
        maker="ResetPeer",
    ),
    _toxic(
        "slicer",
        "data comes in small slices",
        _int("average_size", 1, "of a slice", unit="bytes"),
        _int("size_variation", 0, "up to so much more or less", unit="bytes"),
        _int("delay", 0, "between two slices", unit="µs"),
        maker="Slicer",
    ),
    _toxic(
        "limit_data",
        "the connection is closed after so much data",
        _int("bytes", 0, "so much", unit="bytes"),
        maker="LimitData",
    ),
    _toxic(
        "down",
        "no connection can be made, and those that are open are reset",
        maker="Down",
        stream="",
        whole=True,
    ),
    _bytes(
        "corrupt",
        "some bytes are others",
        _int("after", 0, "how many bytes pass before", unit="bytes"),
        _int("bytes", 1, "how many are changed", unit="bytes", least=1),
        _int("every", 0, "again, so far apart; 0: once", unit="bytes"),
        maker="Corrupt",
    ),
    _bytes(
        "truncate",
        "some bytes are lost, and the rest closes up",
        *_POSITION,
        _int("bytes", 1, "how many are lost", unit="bytes", least=1),
        maker="Truncate",
    ),
    _bytes(
        "stall",
        "nothing passes any more, and the connection stays; lifted, it goes on",
        *_POSITION,
        maker="Stalled",
    ),
    _bytes(
        "half_close",
        "the direction ends, the other goes on",
        *_POSITION,
        maker="HalfCloseAfter",
    ),
    _bytes(
        "idle_cut",
        "the connection is cut when nothing went either way for a while",
        _int("timeout", 60_000, "that while", unit=_MS, least=1),
        _text(
            "how",
            "close",
            "properly, with a reset, or without a word",
            choices=("close", "reset", "silent"),
        ),
        maker="IdleCut",
        stream="",
    ),
    _bytes(
        "coalesce",
        "data waits until there is enough of it",
        _int("size", 65_536, "that is enough", unit="bytes", least=1),
        _int("delay", 100, "or until it has waited so long", unit=_MS),
        maker="Coalesce",
    ),
    _bytes(
        "connect_delay",
        "it takes long until the connection stands",
        _int("delay", 0, "how long", unit=_MS),
        maker="ConnectDelay",
        stream="",
        whole=True,
    ),
    _frames("frame_drop", "a frame is not sent", *_PICK, maker="DropFrame"),
    _frames(
        "frame_delay",
        "a frame comes late, and what is behind it too",
        *_PICK,
        _int("delay", 0, "how late", unit=_MS),
        _int("jitter", 0, "up to so much more or less", unit=_MS),
        maker="DelayFrame",
    ),
    _frames(
        "frame_duplicate",
        "a frame comes more than once",
        *_PICK,
        _int("copies", 1, "how often besides", least=1, most=1000),
        maker="DuplicateFrame",
    ),
    _frames(
        "frame_reorder",
        "a frame comes after some that were behind it",
        *_PICK,
        _int("by", 1, "after how many", least=1),
        maker="ReorderFrame",
    ),
    _frames(
        "frame_edit",
        "a frame is another",
        *_PICK,
        *_PAYLOAD,
        Parameter("empty", "bool", False, "its payload is empty"),
        _text("find", "", "in its payload this text"),
        _text("replace", "", "becomes this one"),
        _int("to_channel", -1, "WebSocket: it is on this channel", least=-1, most=255),
        _int("opcode", -1, "WebSocket: it has this opcode", least=-1, most=15),
        _int("fin", -1, "WebSocket: 0 or 1: it has FIN or not", least=-1, most=1),
        _int("rsv", -1, "WebSocket: it has these reserved bits", least=-1, most=7),
        _int("flags", -1, "SPDY, HTTP/2: it has these flags", least=-1, most=255),
        maker="EditFrame",
    ),
    _frames(
        "frame_add",
        "a frame of ours comes besides",
        *_PICK,
        _text("what", "data", "its type; data is a message", choices=()),
        _text(
            "where",
            "before",
            "before or after the one that is picked",
            choices=("before", "after"),
        ),
        *_PAYLOAD,
        _int("to_channel", -1, "its channel or stream", least=-1, most=0x7FFF_FFFF),
        _int("code", 0, "of close, rst_stream and goaway", most=0xFFFF_FFFF),
        maker="AddFrame",
    ),
    _session(
        "unknown_channel",
        "a message comes on a channel that nobody knows",
        *_only("frame", "channel", "n", "probability", layer="channel"),
        _int("to_channel", 9, "that channel", most=255),
        maker="UnknownChannel",
    ),
    _session(
        "text_for_binary",
        "a WebSocket message comes as text in place of binary, or the other way round",
        *_only("channel", "n", "probability", layer="websocket"),
        maker="TextForBinary",
    ),
    _session(
        "close_code",
        "the WebSocket close has another code",
        replace(
            _N,
            default=0,
            text="0: the close that is sent; else a close in place of the n-th message",
        ),
        *(p for p in _only(layer="websocket") if p.name != "n"),
        _int("code", 1011, "that code", least=0, most=65535),
        _text("reason", "", "the reason beside it"),
        maker="CloseCode",
    ),
    _session(
        "no_pong",
        "pings of WebSocket and SPDY are not answered",
        *_only("probability", n=0),
        maker="NoPong",
        stream="both",
    ),
    _session(
        "spdy_reset",
        "a SPDY stream is reset in place of a frame of data",
        *_only("channel", "n", "probability", layer="spdy"),
        _int("status", 5, "of RST_STREAM; 5 is CANCEL", most=0xFFFF_FFFF),
        maker="SpdyReset",
    ),
    _session(
        "spdy_goaway",
        "SPDY says GOAWAY before a frame",
        *_only("frame", "channel", "n", "probability", layer="spdy"),
        _int("status", 0, "of GOAWAY; 0 is OK", most=0xFFFF_FFFF),
        _int("last_stream", 0, "the last good stream", most=0x7FFF_FFFF),
        maker="SpdyGoAway",
    ),
    _session(
        "status_missing",
        "the status of the command never comes",
        *_only(n=0),
        maker="StatusMissing",
    ),
    _session(
        "status_malformed",
        "the status of the command is something else",
        *_only(n=0),
        replace(_PAYLOAD[0], default='{"status":'),
        _PAYLOAD[1],
        maker="StatusMalformed",
    ),
    _session(
        "status_late",
        "the status of the command comes late",
        *_only(n=0),
        _int("delay", 1000, "how late", unit=_MS),
        maker="StatusLate",
    ),
    _session(
        "status_twice",
        "the status of the command comes twice",
        *_only(n=1),
        maker="StatusTwice",
    ),
    _http(
        "http_answer",
        "a request is answered here, and does not reach the server",
        _int("status", 503, "the status", least=200, most=999),
        *_ANSWER,
        Parameter("close", "bool", False, "the connection ends after it"),
        maker="HttpAnswer",
    ),
    _http(
        "http_status",
        "the server's answer has another status; headers and body are its own, "
        "but for an upgrade, which becomes an empty answer",
        _int("status", 503, "the status", least=101, most=999),
        _text(
            "reason",
            "",
            "the words behind it; empty: the usual ones",
            pattern=HEADER_VALUE,
        ),
        maker="StatusLine",
    ),
    _http(
        "http_header",
        "a header of requests (upstream) or of answers (downstream) is another",
        _text("header", "", "its name", required=True, pattern=HEADER_NAME),
        _text("value", "", "its value", pattern=HEADER_VALUE),
        _text(
            "action",
            "set",
            "what is done with it",
            choices=("set", "remove", "append"),
        ),
        maker="HttpHeader",
        stream="upstream",
    ),
    _http(
        "subprotocol",
        "the answer to a WebSocket handshake names another subprotocol",
        _text("value", "", "that one; empty: none", pattern=HEADER_VALUE),
        maker="SubprotocolFault",
    ),
    _http(
        "upgrade_silence",
        "an upgrade is granted, and then nothing passes",
        maker="UpgradeSilence",
    ),
    _http(
        "body_limit",
        "a request with a longer body is refused",
        _int("bytes", 1_048_576, "longer than this", unit="bytes"),
        _int("status", 413, "the status", least=200, most=999),
        *_ANSWER,
        maker="BodyLimit",
    ),
    _grpc(
        "grpc_status",
        "a call is answered here with a code, and does not reach the server",
        _METHOD,
        _text("code", "UNAVAILABLE", "the code, by its name", choices=()),
        _text("message", "fault injected", "the message"),
        maker="GrpcStatus",
    ),
    _grpc(
        "grpc_delay",
        "the answer to a call comes late; other calls are not held up",
        _METHOD,
        _int("delay", 1000, "how late", unit=_MS),
        maker="GrpcDelay",
    ),
    _grpc(
        "stream_url",
        "the URL in the answer to Exec, Attach or PortForward leads nowhere",
        _METHOD,
        _text(
            "how",
            "dead",
            "dead: nobody listens there; used: its token is not valid any more",
            choices=("dead", "used"),
        ),
        maker="StreamUrl",
    ),
    _certificate("certificate_expired", "the server's certificate has expired"),
    _certificate(
        "certificate_not_yet_valid", "the server's certificate is not valid yet"
    ),
    _certificate(
        "certificate_wrong_host", "the server's certificate is for another host"
    ),
    _certificate(
        "certificate_unknown_authority",
        "the server's certificate is signed by an authority that nobody knows",
    ),
    FaultType(
        "kill",
        "process",
        "a process is killed",
        (
            _text("process", "kubelet", "which one", choices=()),
            _text(
                "signal",
                "KILL",
                "how; CONT lets one go on that STOP has stopped",
                choices=("KILL", "TERM", "STOP", "CONT", "INT"),
            ),
            _text("node", "", "kubelet, runtime: of this node; empty: of the only one"),
            _text("of_pod", "", "shim: of this pod, as NAME or NAMESPACE/NAME"),
            _text("when", "now", "at once, or at a frame", choices=("now", "frame")),
            *_PICK,
            _int("pid", 0, "found by who adds the rule", private=True),
            _int("start_time", 0, "found by who adds the rule", private=True),
        ),
        "faults.process_faults:Kill",
        "frames",
        "both",
    ),
)

#: The values that are long lists, by type and parameter.
_CHOICES = {
    ("frame_add", "what"): (
        "text",
        "binary",
        "ping",
        "pong",
        "close",
        "data",
        "rst_stream",
        "goaway",
    ),
    ("grpc_status", "code"): GRPC_CODES,
    ("kill", "process"): ("apiserver", "kubelet", "runtime", "shim"),
}


def _with_choices(kind: FaultType) -> FaultType:
    parameters = tuple(
        replace(parameter, choices=_CHOICES[kind.name, parameter.name])
        if (kind.name, parameter.name) in _CHOICES
        else parameter
        for parameter in kind.parameters
    )
    return replace(kind, parameters=parameters)


#: All types, by name.
TYPES: dict[str, FaultType] = {kind.name: _with_choices(kind) for kind in _ALL}


def find_type(name: object) -> FaultType:
    """The type of that name.

    Raises:
        RuleError: there is none.
    """
    if isinstance(name, str) and name in TYPES:
        return TYPES[name]
    raise RuleError(f"there is no fault type {name!r}: {', '.join(TYPES)}")
