"""How the parts agreed on a protocol, and where they had to try again."""

from __future__ import annotations

from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING

from traces.explain.explanation import rule
from traces.lanes import dialler_of, listener_of
from traces.requests import header_of

if TYPE_CHECKING:
    from traces.explain.explanation import Found
    from traces.explain.story import Exchange, Story

__all__: list[str] = []


@rule("fallback-to-spdy", "note")
def fallback(story: Story) -> Found:
    """A WebSocket was refused, and the client asks again for SPDY."""
    tries = [each for each in story.on(story.outermost) if each.wants]
    for first, second in zip_longest(tries, tries[1:]):
        if first.wants != "websocket" or _agreed(first) or not first.response:
            continue
        said = f" ({first.message})" if first.message else ""
        why = f"the WebSocket handshake was answered {first.reason}{said}"
        if second is not None and second.wants.startswith("spdy"):
            yield first.response, f"The client fell back to SPDY, because {why}."
        elif not first.body.startswith(b"{"):
            yield (
                first.response,
                f"No WebSocket came of it: {why}. kubectl asks again, for SPDY, at"
                " once; without an id of its own that is a session beside this one.",
            )


@rule("shared-session", "note")
def shared_session(story: Story) -> Found:
    """A client that makes traces of its own may give several commands one id."""
    begun = [
        each
        for each in story.on(story.outermost)
        if each.asked.verb in ("exec", "attach") and each.upgraded and _agreed(each)
    ]
    if len(begun) > 1:
        yield (
            begun[1].request,
            f"{len(begun)} commands are told of here as one session, because the client"
            " sent the same traceparent with each. Title, status and terminal may be of"
            " any of them.",
        )


@rule("no-subprotocol", "failure")
def no_subprotocol(story: Story) -> Found:
    """101, but without the subprotocol that was offered."""
    for exchange in story.streams:
        if exchange.wants != "websocket" or not exchange.upgraded or _agreed(exchange):
            continue
        offered = header_of(exchange.request.info, "sec-websocket-protocol")
        chosen = exchange.subprotocol or "none"
        if offered and exchange.response:
            yield (
                exchange.response,
                f"The {dialler_of(exchange.hop)} offered {offered} and was answered 101"
                f" with {chosen}: a proxy that does not pass on Sec-WebSocket-Protocol"
                " does this. kubectl drops such a connection and tries SPDY.",
            )
            return


@rule("subprotocol-refused", "note")
def subprotocol_refused(story: Story) -> Found:
    """403 behind the API server: no common subprotocol."""
    refused = [each for each in story.streams if each.status == 403 and each.wants]
    # it is passed on from hop to hop: who refused is the innermost
    for exchange in refused[-1:]:
        inner = exchange.hop != "kubectl-apiserver"
        if inner and exchange.response:
            offered = header_of(
                exchange.request.info, "sec-websocket-protocol"
            ) or header_of(exchange.request.info, "x-stream-protocol-version")
            yield (
                exchange.response,
                f"The {listener_of(exchange.hop)} does not speak {offered}, which is all"
                f" that the {dialler_of(exchange.hop)} offered.",
            )


@rule("translated", "note")
def translated(story: Story) -> Found:
    """WebSocket on one hop, SPDY on the next."""
    final = story.final
    begun = final.request.wall if final else 0.0  # an earlier try is another story
    path = [e for e in story.requests_upgraded() if e.request.wall >= begun]
    for outer, inner in pairwise(path):
        if outer.wants == "websocket" and inner.wants.startswith("spdy"):
            who = listener_of(outer.hop)
            # a WebSocket that was tried first and refused is why
            why = _refused_inside(story, inner)
            yield (
                inner.request,
                f"The {who} translates: WebSocket {outer.subprotocol} towards the"
                f" {dialler_of(outer.hop)}, SPDY {inner.subprotocol} towards the"
                f" {listener_of(inner.hop)}{why}. An error behind it can only be told"
                " as a status, since 101 was answered already.",
            )


def _refused_inside(story: Story, inner: Exchange) -> str:
    for exchange in story.on(inner.hop):
        if exchange.wants == "websocket" and exchange.status == 403:
            return f", which refused {header_of(exchange.request.info, 'sec-websocket-protocol')}"
    return ""


@rule("url-used-up", "failure")
def url_used_up(story: Story) -> Found:
    """404 from the runtime's streaming server."""
    for exchange in story.on("kubelet-cri-streaming"):
        if exchange.status == 404 and exchange.response:
            yield (
                exchange.response,
                "The runtime does not know the streaming URL any more: each is good for"
                " one request within a minute, and this one was used or is too old.",
            )


@rule("runtime-refused", "failure")
def runtime_refused(story: Story) -> Found:
    """An error of a CRI call."""
    for event in story.find("grpc", "status"):
        code = event.info.get("code")
        if event.hop == "kubelet-cri" and code not in (0, "0", None, "OK"):
            call = str(event.info.get("method") or "").rpartition("/")[2]
            yield (
                event,
                f"The runtime refused the kubelet's call {call} with gRPC code {code}:"
                f" {event.info.get('message') or 'without a message'}.",
            )


def _agreed(exchange: Exchange) -> bool:
    """Whether the answer is a handshake for one of the subprotocols offered."""
    if not exchange.upgraded:
        return False
    offered = header_of(exchange.request.info, "sec-websocket-protocol")
    words = [word.strip() for word in offered.split(",")]
    return not offered or exchange.subprotocol in words
