"""Whatever a trace file says, a format is made of it or refuses in words."""

from __future__ import annotations

import json
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.traces.exec_session import SESSION
from traces.diff import compare
from traces.formats import FORMATS, render
from traces.formats.errors import RenderError
from traces.reader import read_lines

LAYERS = [
    "conn",
    "tls",
    "bytes",
    "http1",
    "websocket",
    "channel",
    "remotecommand",
    "portforward",
    "spdy",
    "http2",
    "grpc",
    "cri",
    "etcd",
    "crilog",
    "process",
    "raw",
]
TYPES = [
    "open",
    "close",
    "eof",
    "session",
    "established",
    "chunk",
    "request",
    "response",
    "body",
    "binary",
    "text",
    "ping",
    "close",
    "stdin",
    "stdout",
    "error",
    "resize",
    "data",
    "ready",
    "status",
    "call",
    "message",
    "exited",
    "started",
    "syn_stream",
    "headers",
    "opened",
    "lines",
]
words = st.text(max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
    ),
    max_leaves=5,
)
infos = st.fixed_dictionaries(
    {},
    optional={
        "headers": st.lists(st.lists(words, max_size=3), max_size=3) | json_values,
        "status": st.sampled_from([101, 200, 403, 10**30, "x", None]) | json_values,
        "target": st.sampled_from(
            ["/api/v1/namespaces/d/pods/p/exec?command=x", "/exec/a/b/c", "//", "?"]
        )
        | json_values,
        "method": st.sampled_from(["GET", "/runtime.v1.RuntimeService/Exec"])
        | json_values,
        "message": json_values,
        "command": json_values,
        "width": st.integers() | json_values,
        "height": st.integers() | json_values,
        "code": st.integers() | json_values,
        "name": json_values,
        "sockname": json_values,
        "peername": st.just(["127.0.0.1", 1]) | json_values,
        "channel": json_values,
        "port": json_values,
        "reason": json_values,
    },
)
lines = st.fixed_dictionaries(
    {
        "ts": st.floats(0, 1e6),
        "hop": st.sampled_from(
            ["kubectl-apiserver", "kubelet-cri", "cri-shim", "x", ""]
        ),
        "conn": st.sampled_from(["apiserver-1-1", "kubelet-1-2", ""]),
        "dir": st.sampled_from(["up", "down", ""]),
        "layer": st.sampled_from(LAYERS),
        "type": st.sampled_from(TYPES),
        "stream": st.none() | st.integers(-5, 2**40),
        "channel": st.none() | st.integers(-5, 300),
        "len": st.integers(0, 2**40),
        "info": infos,
        "data": st.sampled_from([None, "", "aGkK", "/////w=="]),
        "trace": st.sampled_from([None, SESSION, "x"]),
        "fault": st.sampled_from([None, None, "<b>\x1b"]),
        "process": words,
        "wall": st.floats(-1e9, 1e11),
    }
)


def sessions_of(events):
    trace = read_lines(json.dumps(event).encode() + b"\n" for event in events)
    assert not trace.problems
    return trace.sessions


@given(events=st.lists(lines, max_size=8))
@settings(max_examples=40)
def test_every_format_takes_any_events(events):
    for session in sessions_of(events):
        for name in FORMATS:
            # a refusal in words is an answer, too
            with suppress(RenderError):
                render(name, [session])


@given(events=st.lists(lines, max_size=8))
@settings(max_examples=40)
def test_any_two_sessions_can_be_compared(events):
    sessions = sessions_of(events)

    for session in sessions:
        assert compare(session, session).equal
        compare(sessions[0], session).text()
