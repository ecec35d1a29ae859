"""What a request asks for: the verb, the object and the streams, read off its target.

Source: the paths of the API server (kubernetes docs, API concepts), of the kubelet
(pkg/kubelet/server/server.go) and of a runtime's streaming server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from traces.events import Event, JsonObject

__all__ = [
    "STREAMING_VERBS",
    "Asked",
    "asked_of",
    "header_of",
    "headers_of",
    "request_of",
]

#: The verbs whose sessions take over a connection, or follow one.
STREAMING_VERBS = frozenset({"exec", "attach", "port-forward", "logs"})

_SUBRESOURCES = {
    "exec": "exec",
    "attach": "attach",
    "portforward": "port-forward",
    "log": "logs",
}
_API = re.compile(
    r"/(?:api|apis/[^/]+)/[^/]+"
    r"(?:/namespaces/(?P<namespace>[^/]+))?"
    r"(?:/(?P<resource>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<subresource>[^/]+))?)?)?/?\Z"
)
_KUBELET = re.compile(
    r"/(?P<verb>exec|attach|portForward|containerLogs)"
    r"/(?P<namespace>[^/]+)/(?P<pod>[^/]+)(?:/(?:[0-9a-f-]{36}/)?(?P<container>[^/]+))?\Z"
)
_RUNTIME = re.compile(r"/(?P<verb>exec|attach|portforward)/[^/]+\Z")
_KUBELET_VERBS = {
    "exec": "exec",
    "attach": "attach",
    "portForward": "port-forward",
    "portforward": "port-forward",
    "containerLogs": "logs",
}
_METHODS = {
    "GET": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_TRUE = ("1", "t", "true")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request in Kubernetes' words.

    Args:
        verb: exec, attach, port-forward, logs; else get, list, watch, create ...
        pod: the name of the pod, or of another object, which `resource` tells.
        streams: of stdin, stdout, stderr and tty those that were asked for.
    """

    verb: str
    resource: str = ""
    namespace: str = ""
    pod: str = ""
    container: str = ""
    command: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()

    @property
    def is_streaming(self) -> bool:
        """Whether it is one that this project is about."""
        return self.verb in STREAMING_VERBS


def asked_of(method: str, target: str) -> Asked:
    """Read a request's method and target."""
    path, _, query = target.partition("?")
    try:
        values = parse_qsl(query, keep_blank_values=True, max_num_fields=10_000)
    except ValueError:
        values = []
    command = tuple(value for name, value in values if name == "command")
    one = dict(values)
    streams = _streams(one)
    if found := _KUBELET.match(path):
        return Asked(
            _KUBELET_VERBS[found["verb"]],
            "pods",
            unquote(found["namespace"]),
            unquote(found["pod"]),
            unquote(found["container"] or ""),
            command,
            streams,
        )
    if found := _API.match(path):
        return _api(method, found, one, command, streams)
    if found := _RUNTIME.match(path):
        return Asked(_KUBELET_VERBS[found["verb"]], "pods")
    return Asked(_METHODS.get(method, method.lower()), path)


def headers_of(info: JsonObject) -> list[tuple[str, str]]:
    """The headers of an event, those that are pairs of strings."""
    headers = info.get("headers")
    return [
        (pair[0], pair[1])
        for pair in (headers if isinstance(headers, list) else ())
        if isinstance(pair, list | tuple)
        and len(pair) == 2
        and all(isinstance(word, str) for word in pair)
    ]


def header_of(info: JsonObject, name: str) -> str:
    """The value of a header of an event, by its name in lower case; "" without it."""
    found = (value for key, value in headers_of(info) if key.lower() == name)
    return next(found, "")


def request_of(event: Event) -> Asked | None:
    """What a request event asks for; None for other events."""
    if event.layer != "http1" or event.type != "request":
        return None
    method, target = event.info.get("method"), event.info.get("target")
    return asked_of(str(method), str(target))


def _api(
    method: str,
    found: re.Match[str],
    one: dict[str, str],
    command: tuple[str, ...],
    streams: tuple[str, ...],
) -> Asked:
    resource, name = found["resource"] or "", unquote(found["name"] or "")
    verb = _SUBRESOURCES.get(found["subresource"] or "", "")
    if not verb or resource != "pods":
        verb = _plain_verb(method, one, bool(name))
        resource = "/".join(filter(None, (resource, found["subresource"])))
        return Asked(verb, resource, unquote(found["namespace"] or ""), name)
    return Asked(
        verb,
        resource,
        unquote(found["namespace"] or ""),
        name,
        one.get("container", ""),
        command,
        streams,
    )


def _plain_verb(method: str, query: dict[str, str], named: bool) -> str:
    if method == "GET" and query.get("watch", "").lower() in _TRUE:
        return "watch"
    if method == "GET" and not named:
        return "list"
    if method == "DELETE" and not named:
        return "deletecollection"
    return _METHODS.get(method, method.lower())


def _streams(query: dict[str, str]) -> tuple[str, ...]:
    # the kubelet's names are input, output and error
    names = {"stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty"}
    return tuple(
        name
        for name, other in names.items()
        if (query.get(name) or query.get(other, "")).lower() in _TRUE
    )
