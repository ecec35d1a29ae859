import base64
import hashlib

import pytest

from hops.trace import ALL_BYTES, MemorySink, TraceEvent, TraceSettings, parse_bytes
from hops.trace_sinks import SinkFan, ViewerSink


def event(data=b"0123456789", layer="http1", kind="body"):
    shown = base64.b64encode(data).decode()
    return TraceEvent(
        1.0, "kubelet-cri", "c", "up", layer, kind, len=len(data), data=shown
    )


@pytest.mark.parametrize(
    ("value", "size"), [("all", ALL_BYTES), (0, 0), (7, 7), ("7", 7)]
)
def test_how_many_bytes_are_shown_is_a_number_or_all(value, size):
    assert parse_bytes(value) == size


@pytest.mark.parametrize("value", [-1, "some", "-1", ""])
def test_other_values_are_refused(value):
    with pytest.raises(ValueError, match="expected"):
        parse_bytes(value)


@pytest.mark.parametrize("value", [True, None, 1.5, []])
def test_other_types_are_refused(value):
    with pytest.raises(TypeError):
        parse_bytes(value)


def test_each_sink_gets_as_much_as_it_wants():
    few = MemorySink(TraceSettings(data_bytes=4))
    hashed = MemorySink(TraceSettings(data_bytes=4, hashes=True))
    whole = MemorySink(TraceSettings(data_bytes=ALL_BYTES))
    fan = SinkFan()
    for sink in (few, hashed, whole):
        fan.add(sink)

    fan.emit(event())
    fan.emit(event(layer="bytes", kind="chunk"))

    assert [base64.b64decode(e.data) for e in few.events] == [b"0123"]
    assert [e.hash for e in few.events] == [None]
    assert [e.hash for e in hashed.events] == [
        hashlib.sha256(b"0123456789").hexdigest()
    ]
    assert [e.layer for e in whole.events] == ["http1", "bytes"]


def test_what_a_sink_that_left_wanted_is_wanted_no_more():
    whole, fan = MemorySink(TraceSettings(data_bytes=ALL_BYTES)), SinkFan()
    fan.add(MemorySink())
    fan.add(whole)

    fan.remove(whole)

    assert fan.settings == TraceSettings()


def test_a_viewer_that_is_slow_loses_events_and_is_told_how_many():
    woken = []
    viewer = ViewerSink(TraceSettings(), lambda: woken.append(1), room=2)

    for _ in range(5):
        viewer.emit(event())
    first = viewer.take()
    viewer.emit(event())

    assert len(first) == 3
    assert first[-1] == '{"lost":3}'
    assert len(viewer.take()) == 1
    assert len(woken) == 2


def test_what_was_lost_is_told_before_what_comes_after():
    viewer = ViewerSink(TraceSettings(), lambda: None, room=1)
    viewer.emit(event())
    viewer.emit(event())
    viewer.take()

    viewer.emit(event(b"later"))

    assert "later" in base64.b64decode(eval_data(viewer.take()[0])).decode()


def eval_data(line):
    return line.split('"data":"')[1].split('"')[0]
