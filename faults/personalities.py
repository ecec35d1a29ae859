"""Middleboxes that people have in the way, as sets of faults.

The numbers are the products' defaults, from their documentation: nginx
(ngx_http_proxy_module proxy_read_timeout 60s and proxy_http_version 1.0,
ngx_http_core_module client_max_body_size 1m), Elastic Load Balancing (idle timeout 60 s
of application, 350 s of network load balancers), Azure Load Balancer (idle timeout 4
minutes, without a reset).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faults.parameters import RuleError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PERSONALITIES", "Personality", "rules_of"]


@dataclass(frozen=True, slots=True)
class Personality:
    """One kind of middlebox.

    Attributes:
        rules: as JSON, without name and hop. A text `{key}` in it stands for a value.
        values: key -> (default, what it is).
    """

    name: str
    text: str
    rules: tuple[Mapping[str, Any], ...]
    values: Mapping[str, tuple[Any, str]] = field(default_factory=dict)


def _strip(header: str, upgrade: str) -> dict[str, Any]:
    return {
        "type": "http_header",
        "attributes": {"header": header, "action": "remove"},
        "selector": {"upgrade": upgrade},
    }


def _no_upgrade(what: str) -> tuple[dict[str, Any], ...]:
    """Hop-by-hop headers end at a proxy that does not know what they ask for."""
    return _strip("Upgrade", what), _strip("Connection", what)


def _idle(timeout: str | int, how: str) -> dict[str, Any]:
    return {"type": "idle_cut", "attributes": {"timeout": timeout, "how": how}}


_HTML_404 = (
    "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n"
    "<center><h1>404 Not Found</h1></center>\r\n</body>\r\n</html>\r\n"
)
_HTML_413 = _HTML_404.replace("404 Not Found", "413 Request Entity Too Large")

_ALL = (
    Personality(
        "idle-cut",
        "cuts connections that were idle for a while",
        (_idle("{timeout}", "{how}"),),
        {
            "timeout": (60_000, "ms"),
            "how": ("close", "close, reset, or silent"),
        },
    ),
    Personality(
        "no-websocket",
        "a proxy that does not know WebSocket, and passes SPDY",
        _no_upgrade("websocket"),
    ),
    Personality(
        "no-spdy",
        "a proxy that does not know SPDY, and passes WebSocket",
        _no_upgrade("spdy"),
    ),
    Personality("no-upgrade", "a proxy that passes no upgrade", _no_upgrade("any")),
    Personality(
        "html-404",
        "answers what asks for an upgrade with 404 and a page",
        (
            {
                "type": "http_answer",
                "attributes": {
                    "status": 404,
                    "body": _HTML_404,
                    "content_type": "text/html",
                },
                "selector": {"upgrade": "any"},
            },
        ),
    ),
    Personality(
        "strip-subprotocol",
        "strips Sec-WebSocket-Protocol from requests and answers",
        (_strip("Sec-WebSocket-Protocol", "websocket"), {"type": "subprotocol"}),
    ),
    Personality(
        "slow-link",
        "a slow link, late and unsteady",
        (
            {
                "type": "latency",
                "stream": "both",
                "attributes": {"latency": "{latency}", "jitter": "{jitter}"},
            },
            {"type": "bandwidth", "stream": "both", "attributes": {"rate": "{rate}"}},
        ),
        {
            "latency": (150, "ms each way"),
            "jitter": (50, "ms more or less"),
            "rate": (32, "KB/s each way"),
        },
    ),
    Personality(
        "tls-inspection",
        "decrypts and looks at everything: data waits until there is enough of it",
        (
            {
                "type": "coalesce",
                "stream": "both",
                "attributes": {"size": 16_384, "delay": "{delay}"},
            },
            _idle(300_000, "reset"),
        ),
        {"delay": (200, "ms that data waits at most")},
    ),
    Personality(
        "nginx",
        "nginx as a reverse proxy, with its defaults",
        (
            *_no_upgrade("any"),
            {
                "type": "body_limit",
                "attributes": {
                    "bytes": 1_048_576,
                    "body": _HTML_413,
                    "content_type": "text/html",
                    "headers": {"Server": "nginx"},
                },
            },
            _idle(60_000, "close"),
        ),
    ),
    Personality(
        "nginx-websocket",
        "nginx that was told to pass Upgrade, and nothing else",
        (_idle(60_000, "close"),),
    ),
    Personality(
        "aws-alb", "an Application Load Balancer: 60 s idle", (_idle(60_000, "close"),)
    ),
    Personality(
        "aws-nlb", "a Network Load Balancer: 350 s idle", (_idle(350_000, "reset"),)
    ),
    Personality(
        "azure-lb",
        "an Azure Load Balancer: 4 minutes idle, and then silence",
        (_idle(240_000, "silent"),),
    ),
)

#: All of them, by name.
PERSONALITIES: dict[str, Personality] = {item.name: item for item in _ALL}


def rules_of(name: str, hop: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rules of a personality, called after it.

    Raises:
        RuleError: there is none of that name, or it has no such value.
    """
    item = PERSONALITIES.get(name)
    if item is None:
        raise RuleError(f"there is no personality {name!r}: {', '.join(PERSONALITIES)}")
    for key in values:
        if key not in item.values:
            allowed = ", ".join(item.values) or "it has none"
            raise RuleError(f"{name} has no value {key!r}: {allowed}")
    chosen = {key: default for key, (default, _) in item.values.items()} | dict(values)
    return [
        {**_filled(rule, chosen), "name": f"{name}-{number}", "hop": hop}
        for number, rule in enumerate(item.rules, 1)
    ]


def _filled(rule: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {
        key: values[text[1:-1]]
        if isinstance(text, str) and text[:1] == "{" and text[1:-1] in values
        else text
        for key, text in rule.get("attributes", {}).items()
    }
    return {**rule, "attributes": attributes}
