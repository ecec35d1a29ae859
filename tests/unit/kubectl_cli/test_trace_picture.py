"""The picture of `exec --trace`: each thing once, as the highest layer tells it."""

from __future__ import annotations

from typing import Any

from hops.trace import TraceEvent
from kubectl_cli.streams.trace_picture import draw


def event(
    layer: str, type_: str, *, hop: str = "kubelet-cri-streaming", **more: Any
) -> TraceEvent:
    return TraceEvent(
        ts=more.pop("ts", 1.0),
        hop=hop,
        conn=more.pop("conn", "kubelet-1"),
        dir=more.pop("dir", "down"),
        layer=layer,
        type=type_,
        **more,
    )


def shown(*events: TraceEvent) -> list[str]:
    """What stands beside the lanes, below the two lines of the head."""
    lines = draw("abc", events).splitlines()[2:]
    return [line[9:].lstrip(" │├┤─▶◀╌") for line in lines]


def test_a_message_of_a_channel_is_one_line() -> None:
    frame = event("websocket", "binary", len=4, info={"fin": True})
    data = event("channel", "stdout", stream=1, channel=1, len=3)

    assert shown(frame, data) == ["channel stdout #1 (3 B)"]


def test_a_call_of_the_runtime_is_the_call_and_its_outcome() -> None:
    def on_cri(layer: str, type_: str) -> TraceEvent:
        return event(layer, type_, hop="kubelet-cri", stream=5)

    told = shown(
        on_cri("http2", "headers"),
        on_cri("grpc", "call"),
        on_cri("http2", "data"),
        on_cri("grpc", "message"),
        on_cri("grpc", "status"),
        on_cri("cri", "Exec"),
    )

    assert told == ["grpc call #5", "cri Exec #5"]


def test_what_belongs_to_the_carrier_alone_is_shown() -> None:
    told = shown(
        event("websocket", "ping", len=3),
        event("websocket", "close", info={"code": 1000}),
        event("spdy", "syn_stream", stream=1, info={"name": "error"}),
        event("remotecommand", "stream", stream=1, info={"name": "error"}),
        event("remotecommand", "status", stream=1),
    )

    assert told == [
        "websocket ping (3 B)",
        "websocket close code=1000",
        "spdy syn_stream #1 name=error",
        "remotecommand status #1",
    ]


def test_a_frame_seen_from_both_sides_is_shown_once() -> None:
    ours = event("spdy", "ping", hop="kubectl-apiserver", conn="mini-kubectl-1")
    theirs = event("spdy", "ping", hop="kubectl-apiserver", conn="apiserver-7")

    assert shown(ours, theirs) == ["spdy ping"]


def test_a_long_session_loses_its_middle_and_says_so() -> None:
    told = shown(*(event("channel", "stdout", ts=float(n)) for n in range(700)))

    assert len(told) == 501
    assert "200 frames left out" in draw(
        "abc", [event("channel", "stdout", ts=float(n)) for n in range(700)]
    )
