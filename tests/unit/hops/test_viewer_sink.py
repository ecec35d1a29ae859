"""What a viewer who is too slow still hears."""

from __future__ import annotations

import json

from hops.trace import TraceEvent, TraceSettings
from hops.trace_sinks import ViewerSink


def event(kind, size):
    return TraceEvent(0.0, "cri-shim", "c-1", "down", "process", kind, len=size)


def test_the_end_of_a_session_is_heard_when_its_output_was_too_fast():
    sink = ViewerSink(TraceSettings(), lambda: None, room=10)

    for _ in range(50):
        sink.emit(event("stdout", 32768))
    sink.emit(event("exited", 0))
    lines = [json.loads(line) for line in sink.take()]

    assert lines[-2:] == [{"lost": 40}, json.loads(event("exited", 0).to_json())]


def test_what_has_no_payload_is_not_held_without_end_either():
    sink = ViewerSink(TraceSettings(), lambda: None, room=10)

    for _ in range(50):
        sink.emit(event("resize", 0))

    assert len(sink.take()) == 20 + 1
