"""toxiproxy's toxics, as actions on bytes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults.actions import End
from faults.rules import Rule
from faults.types import TYPES
from hops.pipe import Delay, Deliver, Direction, HalfClose, Reset

DOWN = Direction.DOWN


def toxic(name, seed=0, **attributes):
    document = {"type": name, "hop": "kubectl-apiserver", "attributes": attributes}
    rule = Rule.from_json(document)
    return rule.kind.make(rule.values, random.Random(seed), 0.0)


def delivered(actions):
    return b"".join(a.data for a in actions if isinstance(a, Deliver))


def waited(actions):
    return sum(a.seconds for a in actions if isinstance(a, Delay))


def test_latency_is_not_added_to_what_is_under_way():
    latency = toxic("latency", latency=100)

    first = latency.data(DOWN, b"a", 1.0)
    second = latency.data(DOWN, b"b", 1.03)

    assert first == [Delay(pytest.approx(0.1)), Deliver(b"a")]
    assert second == [Delay(pytest.approx(0.03)), Deliver(b"b")]


def test_jitter_stays_within_its_bounds_and_in_order():
    latency = toxic("latency", latency=100, jitter=50)
    due = 0.0

    for step in range(100):
        due += waited(latency.data(DOWN, b"x", 10.0 * step))
        assert 0.05 <= waited(latency.data(DOWN, b"x", 10.0 * step + 5)) <= 0.15


def test_bandwidth_takes_the_time_that_the_bytes_take():
    actions = toxic("bandwidth", rate=10).data(DOWN, bytes(5_000), 0.0)

    assert delivered(actions) == bytes(5_000)
    assert waited(actions) == pytest.approx(0.5)
    assert max(len(a.data) for a in actions if isinstance(a, Deliver)) == 1000


def test_bandwidth_of_nothing_passes_nothing():
    assert toxic("bandwidth", rate=0).data(DOWN, b"x", 0.0) == []


def test_slow_close_delays_the_end_only():
    slow = toxic("slow_close", delay=200)

    assert slow.data(DOWN, b"x", 0.0) == [Deliver(b"x")]
    assert slow.end(DOWN, 0.0) == [Delay(0.2), HalfClose()]


def test_timeout_drops_and_counts_from_the_last_data():
    timeout = toxic("timeout", timeout=500)

    assert timeout.deadline() == 0.5
    assert timeout.data(DOWN, b"x", 0.3) == []
    assert timeout.deadline() == 0.8
    assert timeout.expire(0.8) == [End()]
    assert timeout.deadline() is None


def test_timeout_of_nothing_stays_open_until_it_is_lifted():
    timeout = toxic("timeout", timeout=0)

    assert timeout.data(DOWN, b"x", 0.0) == []
    assert timeout.deadline() is None
    assert timeout.lift(1.0) == [End()]


def test_reset_peer_resets_after_its_time_from_the_first_data():
    assert toxic("reset_peer").data(DOWN, b"x", 0.0) == [Reset()]

    later = toxic("reset_peer", timeout=100)
    assert later.data(DOWN, b"x", 0.0) == [Delay(0.1), Reset()]
    assert later.data(DOWN, b"y", 0.0) == []


@given(
    size=st.integers(0, 3000),
    average=st.integers(1, 200),
    variation=st.integers(0, 300),
    seed=st.integers(0, 100),
)
def test_slices_together_are_the_data(size, average, variation, seed):
    data = random.Random(seed).randbytes(size)
    slicer = toxic("slicer", seed, average_size=average, size_variation=variation)

    actions = slicer.data(DOWN, data, 0.0)

    pieces = [a.data for a in actions if isinstance(a, Deliver)]
    assert b"".join(pieces) == data
    assert all(pieces) or not data
    assert all(len(p) <= average + min(variation, average - 1) for p in pieces)


def test_the_delay_of_the_slicer_is_in_microseconds():
    actions = toxic("slicer", average_size=10, delay=1000).data(DOWN, bytes(100), 0.0)

    pauses = [a for a in actions if isinstance(a, Delay)]
    assert pauses
    assert {p.seconds for p in pauses} == {0.001}


@given(chunks=st.lists(st.binary(min_size=1, max_size=50)), limit=st.integers(0, 200))
def test_limit_data_passes_exactly_so_much(chunks, limit):
    limited = toxic("limit_data", bytes=limit)

    actions = [a for chunk in chunks for a in limited.data(DOWN, chunk, 0.0)]

    whole = b"".join(chunks)
    assert delivered(actions) == whole[:limit]
    assert actions.count(End()) == (len(whole) >= limit and bool(chunks))


def test_down_refuses_and_resets():
    down = toxic("down")

    assert down.connecting(0.0) == [Reset()]
    assert down.begin(0.0, late=True) == [Reset()]


def test_the_toxics_are_those_of_toxiproxy():
    toxics = {
        n: [p.name for p in t.parameters]
        for n, t in TYPES.items()
        if t.group == "toxic"
    }

    assert toxics == {
        "latency": ["latency", "jitter"],
        "bandwidth": ["rate"],
        "slow_close": ["delay"],
        "timeout": ["timeout"],
        "reset_peer": ["timeout"],
        "slicer": ["average_size", "size_variation", "delay"],
        "limit_data": ["bytes"],
        "down": [],
    }
