"""Whom a fault strikes: by what a request says, and by the connection's number.

A request is an HTTP/1 request head or the headers of a gRPC call. What the paths mean is
the Kubernetes API's, the kubelet's and the runtime's own.

Source: kubernetes/kubernetes pkg/kubelet/server/server.go (the kubelet's paths),
kubernetes-sigs/... cri-streaming (the runtime's paths: /exec/TOKEN).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from faults.parameters import RuleError
from hops.session import HEADER, TraceParent
from wire.http1 import get_header, is_upgrade

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SELECTOR_TEXTS", "RequestFacts", "Selector", "request_facts"]

#: How each key of a selector is meant.
SELECTOR_TEXTS = {
    "session": "the session id, or its beginning (the trace id of `traceparent`)",
    "client": "the User-Agent, a pattern: `kubectl*`; without * or ?: any part of it",
    "pod": "the name of the pod, a pattern",
    "namespace": "the namespace, a pattern",
    "verb": "exec, attach, portforward, log, proxy, or the API's verb: get, create …",
    "method": "the HTTP method, or the gRPC method: Exec, or /runtime.v1.RuntimeService/Exec",
    "path": "the path of the request, a pattern",
    "upgrade": "what is asked to upgrade to: websocket, spdy, any or none",
    "connection": "the n-th connection that the rest of the selector matches, from 1",
}
_UPGRADES = ("websocket", "spdy", "any", "none")
#: What kubectl and traces call these, who else would never strike.
_VERB_ALIASES = {"port-forward": "portforward", "logs": "log", "list": "get"}

_API = re.compile(
    r"/api/v1/namespaces/(?P<ns>[^/]+)/pods/(?P<pod>[^/]+)(?:/(?P<sub>\w+))?"
)
_KUBELET = re.compile(
    r"/(?P<sub>exec|attach|portForward|containerLogs|run)/(?P<ns>[^/]+)/(?P<pod>[^/]+)"
)
_RUNTIME = re.compile(r"/(?P<sub>exec|attach|portforward)/[^/]+\Z")
_STREAMING = {"exec", "attach", "portforward", "log", "proxy"}
_VERBS = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}


@dataclass(slots=True, eq=False)
class RequestFacts:
    """What a request tells of itself; "" where it does not.

    Attributes:
        upgrade: "websocket", "spdy", another protocol's name, or "".
        is_call: a gRPC call.
    """

    method: str = ""
    path: str = ""
    client: str = ""
    namespace: str = ""
    pod: str = ""
    verb: str = ""
    upgrade: str = ""
    session: str = ""
    is_call: bool = False


def request_facts(
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]],
    *,
    is_call: bool = False,
) -> RequestFacts:
    """Read a request's head."""
    headers = list(headers)
    path = unquote(urlsplit(target).path)
    facts = RequestFacts(method=method, path=path, is_call=is_call)
    facts.client = get_header(headers, "user-agent") or ""
    session = TraceParent.parse(get_header(headers, HEADER))
    facts.session = session.trace_id if session is not None else ""
    if is_call:
        facts.verb = path.rpartition("/")[2]
        return facts
    facts.upgrade = _upgrade(headers)
    _read_path(facts, urlsplit(target).query)
    return facts


def _upgrade(headers: list[tuple[str, str]]) -> str:
    if not is_upgrade(headers):
        return ""
    name = (get_header(headers, "upgrade") or "").lower()
    return "spdy" if name.startswith("spdy/") else name


def _read_path(facts: RequestFacts, query: str) -> None:
    match = _API.match(facts.path) or _KUBELET.match(facts.path)
    sub = ""
    if match is not None:
        facts.namespace, facts.pod = match["ns"], match["pod"]
        sub = (match["sub"] or "").lower()
    elif (runtime := _RUNTIME.match(facts.path)) is not None:
        sub = runtime["sub"]
    sub = {"containerlogs": "log", "run": "exec"}.get(sub, sub)
    if sub in _STREAMING:
        facts.verb = sub
        return
    watched = facts.method == "GET" and "watch=" in query
    facts.verb = "watch" if watched else _VERBS.get(facts.method, facts.method.lower())


@dataclass(frozen=True, slots=True)
class Selector:
    """Which requests and connections a rule is for; empty: all.

    See `SELECTOR_TEXTS` for the meaning of the fields.
    """

    session: str = ""
    client: str = ""
    pod: str = ""
    namespace: str = ""
    verb: str = ""
    method: str = ""
    path: str = ""
    upgrade: str = ""
    connection: int = 0

    @classmethod
    def from_json(cls, value: Any) -> Selector:
        """Read and check a rule's `selector`.

        Raises:
            RuleError: an unknown key, or a value that cannot be.
        """
        if value is None:
            return cls()
        if not isinstance(value, Mapping):
            raise RuleError("selector: an object is expected")
        names = [field.name for field in fields(cls)]
        for name in value:
            if name not in names:
                raise RuleError(f"selector has no key {name!r}: {', '.join(names)}")
        given = {key: text for key, text in value.items() if text not in (None, "")}
        number = given.pop("connection", 0)
        if isinstance(number, str) and number.isdecimal():
            number = int(number)
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise RuleError(f"selector: connection: {number!r} is not a number from 1")
        for key, text in given.items():
            if not isinstance(text, str):
                raise RuleError(f"selector: {key}: {text!r} is not a text")
        upgrade = given.get("upgrade", "")
        if upgrade and upgrade not in _UPGRADES:
            allowed = ", ".join(_UPGRADES)
            raise RuleError(f"selector: upgrade: {upgrade!r} is none of {allowed}")
        if "verb" in given:
            given["verb"] = _verb(given["verb"])
        return cls(**given, connection=number)

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads; only what is set."""
        return {
            field.name: value
            for field in fields(self)
            if (value := getattr(self, field.name))
        }

    @property
    def wants_request(self) -> bool:
        """Whether a request must be seen before it can be decided."""
        return any(
            getattr(self, field.name)
            for field in fields(self)
            if field.name != "connection"
        )

    def matches(self, request: RequestFacts) -> bool:
        """Whether a request is meant."""
        return (
            (not self.session or request.session.startswith(self.session))
            and _agent_matches(self.client, request.client)
            and _matches(self.pod, request.pod)
            and _matches(self.namespace, request.namespace)
            and _matches(self.verb.lower(), request.verb.lower())
            and self._method_matches(request)
            and _matches(self.path, request.path)
            and self._upgrade_matches(request.upgrade)
        )

    def _method_matches(self, request: RequestFacts) -> bool:
        if not self.method:
            return True
        if request.is_call:
            name = request.path.rpartition("/")[2]
            return self.method in (name, request.path)
        return self.method.upper() == request.method.upper()

    def _upgrade_matches(self, upgrade: str) -> bool:
        match self.upgrade:
            case "":
                return True
            case "none":
                return not upgrade
            case "any":
                return bool(upgrade)
            case wanted:
                return wanted == upgrade


def _verb(text: str) -> str:
    """A verb as requests have it. Raises RuleError: none has it."""
    verb = _VERB_ALIASES.get(text, text)
    known = sorted({*_STREAMING, "watch", *_VERBS.values()})
    # Methods of gRPC have capitals; a pattern may be for either.
    if verb.islower() and verb not in known and not set(verb) & set("*?["):
        raise RuleError(f"selector: verb: {text!r} is none of {', '.join(known)}")
    return verb


def _matches(pattern: str, text: str) -> bool:
    return not pattern or fnmatch.fnmatchcase(text, pattern)


def _agent_matches(pattern: str, agent: str) -> bool:
    if not pattern or pattern in agent:
        return True
    return fnmatch.fnmatchcase(agent, pattern)
