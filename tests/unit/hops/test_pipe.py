from hypothesis import given
from hypothesis import strategies as st

from hops.hop import Hop
from hops.pipe import Deliver, Direction, HalfClose, Pipe, Reset
from hops.taps.connection import ConnectionTap
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


class CuttingFault:
    """Resets the connection at its first bytes."""

    name = "cut"

    def act(self, direction, actions, now):
        return [Reset()]


def test_a_fault_that_acts_is_told():
    sink = MemorySink()
    pipe = Pipe(
        [ConnectionTap(sink, HOP, "c-1")],
        [CuttingFault()],
    )

    pipe.feed(UP, b"GET / HTTP/1.1\r\n\r\n", 0)

    assert [(event.type, event.fault) for event in sink.events] == [
        ("request", None),
        ("Reset", "cut"),
    ]
