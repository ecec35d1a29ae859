"""What holds for any bytes, any cut of them, and any order of two ends' doings."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.unit.wire.spdy import vectors
from wire.errors import RemoteProtocolError
from wire.portforward import (
    PortForwardClient,
    PortForwardServer,
    Role,
    Tunnel,
    Tunnelled,
)
from wire.remotecommand import StreamOptions
from wire.remotecommand_spdy import SpdyRemoteCommandClient, SpdyRemoteCommandServer
from wire.spdy.connection import SpdyConnection
from wire.spdy.events import (
    ConnectionClosed,
    DataReceived,
    StreamFinished,
    StreamOpened,
    StreamReset,
)
from wire.spdy.frame_encoder import FrameEncoder
from wire.spdy.frames import (
    Data,
    GoAway,
    HeadersFrame,
    Ping,
    RstStream,
    Setting,
    Settings,
    SynReply,
    SynStream,
    WindowUpdate,
)
from wire.spdy.limits import Limits

IDS = st.integers(0, 9) | st.sampled_from([0x7FFFFFFF, 0x80000001, 0xFFFFFFFF])
FLAGS = st.sampled_from([0, 1, 2, 3, 0x80])
STREAM_TYPES = ("error", "stdin", "stdout", "stderr", "resize", "data")
HEADERS = st.one_of(
    st.sampled_from(STREAM_TYPES).map(lambda name: (("streamtype", name),)),
    st.tuples(
        st.sampled_from(["error", "data"]), st.sampled_from(["80", "0"]), st.just("0")
    ).map(lambda values: tuple(zip(PORT_HEADERS, values, strict=True))),
    st.lists(
        st.tuples(st.sampled_from(["port", "host", "x"]), st.sampled_from(["", "é"]))
    ).map(tuple),
)
PORT_HEADERS = ("streamtype", "port", "requestid")
FRAMES = st.one_of(
    st.builds(SynStream, IDS, HEADERS, flags=FLAGS),
    st.builds(SynReply, IDS, HEADERS, flags=FLAGS),
    st.builds(HeadersFrame, IDS, HEADERS, flags=FLAGS),
    st.builds(RstStream, IDS, st.integers(0, 12)),
    st.builds(Settings, st.lists(st.just(Setting(1, 2)), max_size=2).map(tuple)),
    st.builds(Ping, st.integers(0, 4)),
    st.builds(GoAway, IDS, st.integers(0, 2)),
    st.builds(WindowUpdate, IDS, IDS),
    st.builds(Data, st.integers(0, 9), st.binary(max_size=20), FLAGS),
)


@st.composite
def almost_spdy(draw):
    """Bytes that are SPDY for a while, so that deep states are reached."""
    encoder = FrameEncoder()
    stream = b"".join(map(encoder.encode, draw(st.lists(FRAMES, max_size=12))))
    return stream + draw(st.binary(max_size=30))


@st.composite
def cut(draw, data):
    """The same bytes in chunks."""
    places = draw(st.lists(st.integers(0, len(data)), max_size=8).map(sorted))
    starts = [0, *places]
    return [data[a:b] for a, b in zip(starts, [*places, len(data)], strict=True)]


ROLES = st.sampled_from(Role)


def make(role):
    conn = SpdyConnection(role, Limits(max_data_piece=8, max_streams=3))
    for _ in range(2 if role is Role.CLIENT else 0):
        conn.open_stream()
    conn.ping()
    conn.data_to_send()
    return conn


def feed(conn, chunks):
    """All that is seen of the chunks: events, the final error, what is sent."""
    events, error = [], None
    try:
        for chunk in chunks:
            events += conn.receive_data(chunk)
        events += conn.receive_eof()
    except RemoteProtocolError as err:
        error = str(err)
    return events, error, b"".join(conn.data_to_send())


@given(st.data(), ROLES, almost_spdy())
def test_any_cut_gives_the_same_events(data, role, stream):
    chunks = data.draw(cut(stream))

    assert feed(make(role), chunks) == feed(make(role), [stream])


@given(ROLES, almost_spdy())
def test_a_byte_at_a_time_gives_the_same_events(role, stream):
    bytewise = [stream[i : i + 1] for i in range(len(stream))]

    assert feed(make(role), bytewise) == feed(make(role), [stream])


@given(ROLES, st.lists(st.binary(max_size=60), max_size=6))
def test_any_bytes_end_only_in_remote_protocol_error(role, chunks):
    feed(make(role), chunks)


@given(st.data())
def test_recorded_bytes_give_the_same_events_in_any_cut(data):
    vector = data.draw(st.sampled_from(vectors.load()))
    stream = b"".join(vector.of("client"))
    chunks = data.draw(cut(stream))

    assert feed(make(Role.SERVER), chunks) == feed(make(Role.SERVER), [stream])


@given(st.data())
def test_damaged_recordings_end_only_in_remote_protocol_error(data):
    vector = data.draw(st.sampled_from(vectors.load()))
    stream = bytearray(b"".join(vector.of("client")))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(stream) - 1))
        stream[place] = data.draw(st.integers(0, 255))

    feed(make(Role.SERVER), [bytes(stream)])


ALL = StreamOptions(stdin=True, stdout=True, stderr=True)
PROTOCOLS = st.sampled_from(["v4.channel.k8s.io", "channel.k8s.io"])


@given(PROTOCOLS, almost_spdy())
def test_sessions_never_raise(protocol, stream):
    """Whatever the peer sends, and whatever is sent to it afterwards."""
    server = SpdyRemoteCommandServer(protocol, ALL)
    client = SpdyRemoteCommandClient(protocol, ALL)
    for session in (server, client):
        session.receive_data(stream)
        session.receive_eof()
    server.send_stdout(b"out")
    server.send_status(b"status")
    client.send_stdin(b"in")
    client.close_stdin()
    for session in (server, client):
        session.ping()
        session.close()
        session.data_to_send()


SESSIONS = {
    "exec server": lambda: SpdyRemoteCommandServer("v4.channel.k8s.io", ALL),
    "exec server v1": lambda: SpdyRemoteCommandServer("channel.k8s.io", ALL),
    "exec client": lambda: SpdyRemoteCommandClient("v4.channel.k8s.io", ALL),
    "forwarding server": PortForwardServer,
    "forwarding client": lambda: two_forwards(PortForwardClient()),
}


def two_forwards(client):
    client.open(80)
    client.open(81)
    return client


@given(st.sampled_from(sorted(SESSIONS)), almost_spdy())
def test_sessions_give_the_same_events_in_any_cut(name, stream):
    whole, bytewise = SESSIONS[name](), SESSIONS[name]()

    expected = whole.receive_data(stream) + whole.receive_eof()
    events = [
        event
        for place in range(len(stream))
        for event in bytewise.receive_data(stream[place : place + 1])
    ]

    assert events + bytewise.receive_eof() == expected


@given(almost_spdy(), st.binary(max_size=40))
def test_forwarding_sessions_never_raise(stream, junk):
    server = PortForwardServer()
    events = server.receive_data(stream)
    for event in events:
        if hasattr(event, "forward"):
            server.send_data(event.forward, b"data")
            server.finish(event.forward)
    server.expire(1000.0)
    server.receive_eof()
    server.data_to_send()

    tunnelled = Tunnelled(PortForwardServer(), Tunnel(Role.SERVER))
    tunnelled.receive_data(junk)
    tunnelled.receive_eof()
    tunnelled.data_to_send()


class TwoEnds(RuleBasedStateMachine):
    """A client and a server that do anything at any time, over a slow wire.

    The model is what each end has sent on each stream; what the other end receives
    is a beginning of it, and all of it when FIN has come and nobody reset.
    """

    @initialize()
    def start(self):
        self.ends = {role: SpdyConnection(role) for role in Role}
        self.wires = {role: bytearray() for role in Role}  # by sender
        self.sent = {}  # (sender, stream) -> bytes
        self.received = {}
        self.finished = set()  # (sender, stream)
        self.known = {role: [] for role in Role}
        self.reset = set()
        self.closed = set()

    def flush(self, role):
        for buffer in self.ends[role].data_to_send():
            self.wires[role] += buffer

    def streams(self, role):
        conn = self.ends[role]
        return [stream for stream in self.known[role] if conn.is_open(stream)]

    @rule(role=ROLES)
    def open_stream(self, role):
        conn = self.ends[role]
        if role in self.closed or conn.closed or conn._goaway_sent:
            return
        self.known[role].append(conn.open_stream([("streamtype", "data")]))

    @rule(role=ROLES, payload=st.binary(min_size=1, max_size=50), pick=st.integers(0))
    def send(self, role, payload, pick):
        sendable = [s for s in self.known[role] if self.ends[role].may_send(s)]
        if sendable:
            stream = sendable[pick % len(sendable)]
            self.ends[role].send_data(stream, payload)
            key = role, stream
            self.sent[key] = self.sent.get(key, b"") + payload

    @rule(role=ROLES, pick=st.integers(0))
    def finish(self, role, pick):
        sendable = [s for s in self.known[role] if self.ends[role].may_send(s)]
        if sendable:
            self.ends[role].finish(sendable[pick % len(sendable)])

    @rule(role=ROLES, pick=st.integers(0))
    def reset_stream(self, role, pick):
        streams = self.streams(role)
        if streams:
            stream = streams[pick % len(streams)]
            self.ends[role].reset(stream)
            self.reset.add(stream)

    @rule(role=ROLES)
    def ping(self, role):
        if role not in self.closed:
            self.ends[role].ping()

    @rule(role=ROLES, size=st.sampled_from([1, 7, 40, 1000]))
    def deliver(self, role, size):
        """Some bytes of `role` arrive at the other end."""
        self.flush(role)
        chunk = bytes(self.wires[role][:size])
        del self.wires[role][:size]
        receiver = role.peer
        for event in self.ends[receiver].receive_data(chunk):
            self.see(receiver, event)

    def see(self, receiver, event):
        conn = self.ends[receiver]
        match event:
            case StreamOpened(stream):
                self.known[receiver].append(stream)
                if conn.is_open(stream):
                    conn.reply(stream)
            case DataReceived(stream, payload):
                key = receiver.peer, stream
                self.received[key] = self.received.get(key, b"") + payload
            case StreamFinished(stream) if event.frame is not None:
                self.finished.add((receiver.peer, stream))
            case StreamReset(stream):
                self.reset.add(stream)
            case ConnectionClosed():
                self.closed.add(receiver)

    @precondition(lambda self: not self.closed)
    @rule(role=ROLES)
    def close(self, role):
        self.ends[role].close()
        self.reset.update(self.known[role])
        self.closed.add(role)

    @invariant()
    def nobody_is_at_fault(self):
        assert all(conn.error is None for conn in self.ends.values())

    @invariant()
    def what_arrives_is_what_was_sent(self):
        for key, payload in self.received.items():
            assert self.sent[key].startswith(payload)

    @invariant()
    def a_finished_stream_has_all(self):
        for role, stream in self.finished:
            if stream not in self.reset:
                key = role, stream
                assert self.received.get(key, b"") == self.sent.get(key, b"")


TestTwoEnds = TwoEnds.TestCase
TestTwoEnds.settings = settings(max_examples=60, stateful_step_count=40)
