"""Requests that were refused before any stream: who may, what is not there, who is down."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from traces.explain.explanation import rule
from traces.lanes import dialler_of, listener_of
from traces.requests import header_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from traces.explain.explanation import Found
    from traces.explain.story import Exchange, Story

__all__ = ["dial_errors", "refusals"]

# pods "web" is forbidden: User "jane" cannot create resource "pods/exec" in API group ""
# in the namespace "default"  (kubernetes/apiserver, responsewriters/errors.go)
_FORBIDDEN: Final = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)"'
    r'(?: in API group "[^"]*")?(?: in the namespace "(?P<namespace>[^"]*)")?'
)
_DIAL: Final = re.compile(r"dial (?:tcp|unix) (?P<address>\S+): (?P<why>.*)")
#: What `mini-kube tap` says in the place of a server that it cannot reach.
_TAP: Final = "mini-kube tap: "
_CREDENTIALS: Final = ("authorization", "cookie")


def refusals(story: Story) -> Iterator[Exchange]:
    """The client's requests that were answered with an error."""
    for exchange in story.exchanges:
        outermost = story.outermost or "kubectl-apiserver"
        if exchange.hop == outermost and exchange.status >= 400:
            yield exchange


def _response(exchange: Exchange) -> Found:
    """The place of an explanation; nothing without an answer."""
    if exchange.response is not None:
        yield exchange.response, ""


@rule("unauthorized", "failure")
def unauthorized(story: Story) -> Found:
    """401: the API server does not know who asks."""
    for exchange in refusals(story):
        if exchange.status == 401:
            shown = any(header_of(exchange.request.info, n) for n in _CREDENTIALS)
            why = (
                "the token it showed is not accepted: unknown, or expired"
                if shown
                else "it showed neither a token nor a certificate that is accepted"
            )
            yield exchange.request, f"The API server does not know the client: {why}."


@rule("forbidden", "failure")
def forbidden(story: Story) -> Found:
    """403 with a reason: no rule allows it."""
    for exchange in refusals(story):
        match = _FORBIDDEN.search(exchange.message)
        if exchange.status == 403 and match and exchange.response:
            place = (
                f"a Role in namespace {match['namespace']}"
                if match["namespace"]
                else "a ClusterRole"
            )
            yield (
                exchange.response,
                f"User {match['user']} is known but not allowed: no rule grants verb"
                f" {match['verb']} on {match['resource']}. It takes {place} with that"
                " rule, bound to the user. (exec over WebSocket is a GET: it needs get"
                " up to Kubernetes 1.34, create since 1.35; over SPDY always create.)",
            )


@rule("not-found", "failure")
def not_found(story: Story) -> Found:
    """404 with a Status: there is no such object."""
    for exchange in refusals(story):
        if exchange.status == 404 and exchange.response and _is_status(exchange):
            yield (
                exchange.response,
                f"The API server has no such object: {exchange.message}."
                " Name, namespace or cluster (context) may be another one.",
            )


@rule("not-kubernetes", "failure")
def not_kubernetes(story: Story) -> Found:
    """An error without a Status: somebody between has answered."""
    for exchange in refusals(story):
        kind = (
            header_of(exchange.response.info, "content-type")
            if exchange.response
            else ""
        )
        if "html" in kind and exchange.response:
            yield (
                exchange.response,
                f"{exchange.reason} with a page of HTML is not what an API server"
                " answers: a proxy or load balancer between has answered in its place.",
            )


@rule("bad-upgrade", "failure")
def bad_upgrade(story: Story) -> Found:
    """400: the request for a stream lacks something."""
    for exchange in refusals(story):
        if exchange.status != 400 or not exchange.asked.is_streaming:
            continue
        missing = _missing(exchange)
        if missing and exchange.response:
            yield (
                exchange.response,
                f"{exchange.asked.verb} has to switch protocols, and the request lacks"
                f" {missing}; a proxy on the way may have taken it out.",
            )


def _missing(exchange: Exchange) -> str:
    """Which header of an upgrade is not there, by the rules of each protocol."""
    if exchange.asked.verb == "logs":
        return ""
    info = exchange.request.info
    if not exchange.wants:
        return "the header Upgrade"
    if "upgrade" not in header_of(info, "connection").lower():
        return "the word Upgrade in the header Connection"
    if exchange.wants == "websocket":
        if not header_of(info, "sec-websocket-key"):
            return "the header Sec-WebSocket-Key"
        if header_of(info, "sec-websocket-version") != "13":
            return "Sec-WebSocket-Version: 13"
    elif not header_of(info, "x-stream-protocol-version"):
        return "the header X-Stream-Protocol-Version"
    return ""


@rule("container-unnamed", "failure")
def container_unnamed(story: Story) -> Found:
    """400: the pod has several containers."""
    yield from _said(
        story,
        r"a container name must be specified for pod (?P<pod>\S+), choose one of: (?P<names>.*)",
        "The pod has several containers and none was named: say -c with one of {names}.",
    )


@rule("container-starting", "failure")
def container_starting(story: Story) -> Found:
    """The container is not running yet."""
    yield from _said(
        story,
        r'container "(?P<name>[^"]*)" in pod "(?P<pod>[^"]*)" is waiting to start: (?P<why>.*)',
        "Container {name} has not started yet ({why}), so there is nothing to read.",
    )


@rule("too-many-requests", "failure")
def too_many(story: Story) -> Found:
    """429 on any hop."""
    busy = [each for each in story.exchanges if each.status == 429]
    # it is passed on from hop to hop: who has too much to do is the innermost
    for exchange in busy[-1:]:
        if exchange.response:
            wait = header_of(exchange.response.info, "retry-after")
            after = f"; it says to come back after {wait} s" if wait else ""
            who = listener_of(exchange.hop)
            yield exchange.response, f"The {who} has too much to do{after}."


@rule("backend-unreachable", "failure")
def backend_unreachable(story: Story) -> Found:
    """The API server or the kubelet cannot connect to the next one."""
    for exchange, match in dial_errors(story):
        tapped = exchange.message.startswith(_TAP)
        who, whom = (
            ("tap", listener_of(exchange.hop)) if tapped else _behind(story, exchange)
        )
        if exchange.response:
            yield (
                exchange.response,
                f"The {who} cannot reach the {whom} at {match['address']}:"
                f" {match['why']}. It is not running, or something is between.",
            )


def dial_errors(story: Story) -> Iterator[tuple[Exchange, re.Match[str]]]:
    """Answers that say that a connection could not be made; each told once."""
    told: set[str] = set()
    for exchange in story.exchanges:
        text = exchange.message if exchange.status >= 500 else ""
        match = _DIAL.search(text)
        if match and match[0] not in told:
            told.add(match[0])
            yield exchange, match


def _behind(story: Story, exchange: Exchange) -> tuple[str, str]:
    """Who says that it cannot dial, and whom it meant."""
    inner = [each for each in story.streams if each.hop != exchange.hop]
    who = listener_of(exchange.hop)
    if inner and exchange.hop == "kubectl-apiserver":
        # it passes on what the kubelet says
        answered = [each for each in inner if each.status >= 500]
        if answered:
            return listener_of(answered[-1].hop), "runtime"
    return who, {"apiserver": "kubelet", "kubelet": "runtime"}.get(who, "next hop")


@rule("certificate-refused", "failure")
def certificate(story: Story) -> Found:
    """TLS between two parts failed."""
    for exchange in story.exchanges:
        text = exchange.message if exchange.status >= 400 else ""
        found = re.search(r"(?:x509|tls): .*", text)
        if found and exchange.response:
            tapped = text.startswith(_TAP)
            who = "tap" if tapped else listener_of(exchange.hop)
            yield (
                exchange.response,
                f"The {who} does not trust, or is not trusted by, the next one:"
                f" {found[0]}",
            )


@rule("server-error", "failure")
def server_error(story: Story) -> Found:
    """5xx that no other rule explains better."""
    explained = {id(each) for each, _ in dial_errors(story)}
    for exchange in refusals(story):
        text = exchange.message
        known = ("x509: ", "tls: ", "dial tcp", "dial unix", "container not found")
        if exchange.status < 500 or id(exchange) in explained or not exchange.response:
            continue
        if any(word in text for word in known) or "CONTAINER_" in text:
            continue
        yield exchange.response, f"The API server failed: {text or exchange.reason}."


@rule("refused", "failure")
def refused(story: Story) -> Found:
    """4xx that no other rule explains; it is asked last, see `engine`."""
    for exchange in refusals(story):
        if exchange.status < 500 and exchange.response:
            who, text = listener_of(exchange.hop), exchange.message
            said = f": {text}" if text else ""
            yield (
                exchange.response,
                f"The {who} refused {exchange.asked.verb}, {exchange.reason}{said}",
            )


@rule("no-answer", "failure")
def no_answer(story: Story) -> Found:
    """The connection ended before the answer."""
    for exchange in story.exchanges:
        if exchange.response is None and exchange.closed is not None:
            whom = listener_of(exchange.hop)
            yield (
                exchange.closed,
                f"The connection from {dialler_of(exchange.hop)} to {whom} ended before"
                f" an answer came: the {whom} went away, or something between cut it."
                " A client takes this for final and does not try SPDY.",
            )


def _is_status(exchange: Exchange) -> bool:
    return exchange.body.lstrip().startswith(b"{")


def _said(story: Story, pattern: str, text: str) -> Found:
    """An explanation made from the words of an answer."""
    for exchange in refusals(story):
        match = re.search(pattern, exchange.message)
        if match and exchange.response:
            yield exchange.response, text.format(**match.groupdict())
