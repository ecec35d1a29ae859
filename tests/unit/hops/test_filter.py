"""A Pipe between a transport and a protocol: bytes in are bytes out, whoever looks."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hops.buffers import buffers
from hops.filter import HopProtocol
from hops.hop import Hop
from hops.hops import Hops
from hops.pipe import Deliver, Direction, HalfClose
from hops.trace import ALL_BYTES, MemorySink, TraceSettings
from tests.unit.hops.tapped import request, switched
from tests.unit.hops.trace_schema import check_all

HOP = Hop.APISERVER_KUBELET
STARTS = (
    b"",
    b"GET /api HTTP/1.1\r\n\r\n",
    request("/exec/a/b/c", Upgrade="websocket"),
    request("/portForward/a/b", Upgrade="SPDY/3.1"),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)
ANSWERS = (
    b"",
    switched(Upgrade="websocket", Sec_WebSocket_Protocol="v5.channel.k8s.io"),
    switched(Upgrade="websocket", Sec_WebSocket_Protocol="SPDY/3.1+portforward.k8s.io"),
    switched(Upgrade="SPDY/3.1"),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
)


class Socket(asyncio.Transport):
    """What is below: keeps what is written, brings what it is told to bring."""

    def __init__(self):
        super().__init__()
        self.written = bytearray()

    def write(self, data):
        self.written += data

    def is_closing(self):
        return False

    def bring(self, protocol, data):
        view = protocol.get_buffer(len(data))
        assert len(view) >= len(data)
        view[: len(data)] = data
        protocol.buffer_updated(len(data))


class Reader(asyncio.Protocol):
    """Above, with data_received."""

    def __init__(self):
        self.received = bytearray()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += data


class BufferedReader(asyncio.BufferedProtocol, Reader):
    """Above, with a buffer; as a splice it lends the one that all share."""

    def get_buffer(self, sizehint):
        return buffers.plain

    def buffer_updated(self, nbytes):
        self.received += buffers.plain[:nbytes]


class NoChange:
    """A fault that acts on everything and changes nothing."""

    name = "nothing"
    version = 1

    def faults_for(self, connection):
        return [self]

    def act(self, direction, actions, now):
        return list(actions)


def looked_at(hops, how, sink):
    if how in ("traced", "all bytes"):
        hops.add_sink(sink)
    if how == "faulty":
        hops.add_sink(sink)
        hops.set_faults(NoChange())


STEPS = st.lists(st.tuples(st.booleans(), st.binary(max_size=300)), max_size=12)


@pytest.mark.parametrize("how", ["idle", "traced", "all bytes", "faulty", "later"])
@pytest.mark.parametrize("kind", [Reader, BufferedReader])
@settings(max_examples=30)
@given(st.sampled_from(STARTS), st.sampled_from(ANSWERS), STEPS, st.integers(0, 12))
def test_bytes_in_are_bytes_out_for_any_bytes_and_any_split(
    kind, how, start, answer, steps, when
):
    sink = MemorySink(
        TraceSettings(data_bytes=ALL_BYTES, secrets=True)
        if how == "all bytes"
        else None
    )

    async def run():
        hops, above, below = Hops("test"), kind(), Socket()
        looked_at(hops, how, sink)
        host = HopProtocol(hops.pipe_for(HOP, "server"), "server", above)
        host.connection_made(below)
        sent, brought = bytearray(), bytearray()
        chunks = [(False, start), (True, answer), *steps]
        for number, (is_outward, data) in enumerate(chunks):
            if number == when and how == "later":
                hops.add_sink(sink)
            if is_outward:
                above.transport.write(data)
                sent += data
            else:
                below.bring(host, data)
                brought += data
        assert below.written == sent
        assert above.received == brought
        hops.flush()
        host.connection_lost(None)
        hops.flush()
        return bytes(sent), bytes(brought)

    sent, brought = asyncio.run(run())
    check_all(sink.events)
    if how == "all bytes":
        told = [e for e in sink.events if e.layer == "bytes"]
        assert sum(e.len for e in told if e.dir == "down") == len(sent)
        assert sum(e.len for e in told if e.dir == "up") == len(brought)


async def test_an_idle_pipe_lends_the_buffer_of_the_protocol_above():
    class Own(BufferedReader):
        space = bytearray(100)

        def get_buffer(self, sizehint):
            return memoryview(self.space)

        def buffer_updated(self, nbytes):
            self.received += self.space[:nbytes]

    hops, above, below = Hops("test"), Own(), Socket()
    host = HopProtocol(hops.pipe_for(HOP, "server"), "server", above)
    host.connection_made(below)

    view = host.get_buffer(10)

    assert view.obj is Own.space


async def test_what_a_fault_pushes_goes_out_without_bytes_having_come():
    class Pusher(NoChange):
        def attached(self, pipe):
            self.pipe = pipe

    source, hops, above, below = Pusher(), Hops("test"), Reader(), Socket()
    hops.set_faults(source)
    host = HopProtocol(hops.pipe_for(HOP, "server"), "server", above)
    host.connection_made(below)

    source.pipe.push(Direction.DOWN, [Deliver(b"out of nothing")])
    source.pipe.push(Direction.UP, [Deliver(b"in")])

    assert below.written == b"out of nothing"
    assert above.received == b"in"


async def test_a_fault_that_is_set_later_reaches_an_open_connection():
    class Swallow(NoChange):
        def act(self, direction, actions, now):
            return []

    source = Swallow()
    hops, above, below = Hops("test"), Reader(), Socket()
    host = HopProtocol(hops.pipe_for(HOP, "server"), "server", above)
    host.connection_made(below)
    above.transport.write(b"before")

    hops.set_faults(source)
    above.transport.write(b"swallowed")
    hops.set_faults(None)
    above.transport.write(b" after")

    assert below.written == b"before after"


async def test_a_tap_that_fails_is_left_out_and_the_traffic_goes_on(caplog):
    class Broken(MemorySink):
        def emit(self, event):
            raise ValueError("no room")

    hops, above, below = Hops("test"), Reader(), Socket()
    hops.add_sink(Broken())
    host = HopProtocol(hops.pipe_for(HOP, "server"), "server", above)
    host.connection_made(below)
    below.bring(host, b"GET / HTTP/1.1\r\n\r\n")
    hops.flush()
    below.bring(host, b"more")
    hops.flush()

    assert above.received == b"GET / HTTP/1.1\r\n\r\nmore"
    assert caplog.text.count("tap failed") == 1


class EndsAfterOne:
    """A fault that ends a direction behind the first chunk and lets the rest come."""

    name = "ends"
    version = 1

    def __init__(self):
        self._ended = set()

    def faults_for(self, connection):
        return [self]

    def act(self, direction, actions, now):
        if direction in self._ended:
            return list(actions)
        self._ended.add(direction)
        return [*actions, HalfClose()]


async def test_nothing_is_delivered_behind_an_end_that_a_fault_made():
    class ClosableSocket(Socket):
        ends = 0

        def can_write_eof(self):
            return True

        def write_eof(self):
            self.ends += 1

        def write(self, data):
            assert not self.ends  # asyncio's transports raise RuntimeError then
            super().write(data)

    class KeepingReader(Reader):
        ends = 0

        def eof_received(self):
            self.ends += 1
            return True

    hops, above, below = Hops("test"), KeepingReader(), ClosableSocket()
    hops.set_faults(EndsAfterOne())
    host = HopProtocol(hops.pipe_for(HOP, "server"), "server", above)
    host.connection_made(below)

    for word in (b"one", b"two"):
        above.transport.write(word)
        below.bring(host, word)
    above.transport.write_eof()
    host.eof_received()

    assert (bytes(below.written), below.ends) == (b"one", 1)
    assert (bytes(above.received), above.ends) == (b"one", 1)
