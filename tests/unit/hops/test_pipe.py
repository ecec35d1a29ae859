import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hops.faults import FAULTS, FaultRule, Latency, LimitData, ResetPeer
from hops.hop import Hop
from hops.pipe import Delay, Deliver, Direction, HalfClose, Pipe, Reset, Stall
from hops.taps import ConnectionTap
from hops.trace import MemorySink

UP, DOWN = Direction.UP, Direction.DOWN
HOP = Hop.APISERVER_KUBELET


class BrokenTap:
    """Fails at everything."""

    def __getattr__(self, name):
        def fail(*args):
            raise ValueError(name)

        return fail


@given(st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=200))))
def test_without_faults_bytes_in_are_bytes_out_whatever_they_are(chunks):
    pipe = Pipe([ConnectionTap(MemorySink(), HOP, "c-1")])

    for now, (direction, data) in enumerate(chunks):
        assert pipe.feed(direction, data, now) == [Deliver(data)]
    assert pipe.eof(UP, 1000) == [HalfClose()]
    pipe.lost("", 1001)


def test_a_tap_that_fails_is_dropped_and_the_traffic_goes_on(caplog):
    sink = MemorySink()
    pipe = Pipe([BrokenTap(), ConnectionTap(sink, HOP, "c-1")])

    assert pipe.feed(UP, b"GET / HTTP/1.1\r\n\r\n", 0) == [
        Deliver(b"GET / HTTP/1.1\r\n\r\n")
    ]

    assert [event.type for event in sink.events] == ["request"]
    assert "tap failed" in caplog.text


def chance():
    return random.Random(1)


def test_latency_delays_and_keeps_the_order():
    fault = Latency(chance(), latency=100)

    assert fault.act(UP, [Deliver(b"a")], 10.0) == [
        Delay(pytest.approx(0.1)),
        Deliver(b"a"),
    ]
    later = fault.act(UP, [Deliver(b"b")], 10.04)
    assert later == [Delay(pytest.approx(0.04)), Deliver(b"b")]
    assert fault.act(UP, [Deliver(b"c")], 20.0)[0] == Delay(pytest.approx(0.1))


def test_latency_without_anything_to_wait_does_nothing():
    actions = [Deliver(b"a")]

    assert Latency(chance()).act(UP, actions, 0) is actions


@given(st.lists(st.floats(0, 0.05), min_size=1, max_size=20))
def test_jitter_never_turns_time_back(gaps):
    fault = Latency(chance(), latency=20, jitter=20)
    now, busy_until, previous = 100.0, 0.0, 0.0
    for gap in gaps:
        now += gap
        actions = fault.act(UP, [Deliver(b"x")], now)
        wait = actions[0].seconds if len(actions) == 2 else 0.0
        busy_until = max(now, busy_until) + wait
        assert busy_until >= previous
        assert busy_until <= now + 0.0401 or busy_until == previous
        previous = busy_until


def test_reset_peer_cuts_at_once_or_after_a_time():
    assert ResetPeer(chance()).act(UP, [Deliver(b"a")], 0) == [Reset()]

    fault = ResetPeer(chance(), timeout=500)
    assert fault.act(UP, [Deliver(b"a")], 0) == [Deliver(b"a"), Delay(0.5), Reset()]
    actions = [Deliver(b"b")]
    assert fault.act(UP, actions, 0.1) is actions


@given(st.lists(st.binary(max_size=20), max_size=10), st.integers(0, 100))
def test_limit_data_delivers_exactly_a_prefix(chunks, limit):
    fault = LimitData(chance(), bytes=limit)
    delivered, ended = b"", False
    for chunk in chunks:
        for action in fault.act(UP, [Deliver(chunk)], 0):
            match action:
                case Deliver(data):
                    assert not ended
                    delivered += data
                case HalfClose():
                    ended = True
                case Stall():
                    assert ended

    whole = b"".join(chunks)
    assert delivered == whole[:limit]
    assert ended == (len(whole) > limit)


def test_a_rule_acts_in_its_direction_only():
    rule = FaultRule(HOP, "limit_data", {"bytes": 1}, direction=DOWN)
    fault = rule.make(1)
    pipe = Pipe(faults=[fault])

    assert pipe.feed(UP, b"abc", 0) == [Deliver(b"abc")]
    assert pipe.feed(DOWN, b"abc", 0) == [Deliver(b"a"), HalfClose(), Stall()]


def test_directions_have_faults_of_their_own():
    pipe = Pipe(faults=[FaultRule(HOP, "limit_data", {"bytes": 2}).make(1)])

    assert pipe.feed(UP, b"ab", 0) == [Deliver(b"ab")]
    assert pipe.feed(DOWN, b"ab", 0) == [Deliver(b"ab")]


def test_the_same_seed_repeats_and_another_differs():
    def run(seed):
        rule = FaultRule(HOP, "latency", {"latency": 50, "jitter": 50}, seed=seed)
        fault = rule.make(1)
        return [fault.act(UP, [Deliver(b"x")], now) for now in range(20)]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_a_probability_spares_the_same_connections_each_time():
    rule = FaultRule(HOP, "reset_peer", probability=0.5, seed=7)

    hit = [rule.make(number) is not None for number in range(200)]

    assert hit == [rule.make(number) is not None for number in range(200)]
    assert 60 < sum(hit) < 140


def test_an_unknown_fault_or_parameter_is_an_error():
    with pytest.raises(KeyError):
        FaultRule(HOP, "nope").make(1)
    with pytest.raises(TypeError):
        FaultRule(HOP, "latency", {"nope": 1}).make(1)
    assert set(FAULTS) == {"latency", "reset_peer", "limit_data"}


def test_a_fault_that_acts_is_told():
    sink = MemorySink()
    pipe = Pipe(
        [ConnectionTap(sink, HOP, "c-1")],
        [FaultRule(HOP, "reset_peer").make(1)],
    )

    pipe.feed(UP, b"GET / HTTP/1.1\r\n\r\n", 0)

    assert [(event.type, event.fault) for event in sink.events] == [
        ("request", None),
        ("Reset", "reset_peer"),
    ]
