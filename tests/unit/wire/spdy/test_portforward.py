"""Port-forward over SPDY streams: the server against frames, then against our client."""

import pytest

from tests.unit.wire.spdy.script import transfer
from wire.errors import LocalProtocolError, RemoteProtocolError
from wire.portforward import (
    Closed,
    DataReceived,
    ErrorText,
    ForwardClosed,
    ForwardFailed,
    ForwardOpened,
    HalfClosed,
    PortForwardClient,
    PortForwardServer,
    forwarding_error,
    parse_port,
    parse_ports,
)
from wire.spdy.frame_decoder import FrameDecoder
from wire.spdy.frame_encoder import FrameEncoder
from wire.spdy.frames import Data, Flag, GoAway, RstStream, SynReply, SynStream


def stream(stream_id, stream_type, request="0", port="80"):
    headers = (("streamtype", stream_type), ("port", port), ("requestid", request))
    return SynStream(stream_id, tuple(pair for pair in headers if pair[1] is not None))


def data(stream_id, payload=b"", flags=0):
    return Data(stream_id, payload, flags, len(payload))


def fin(stream_id):
    return data(stream_id, b"", Flag.FIN)


class Peer:
    """The other end of a session, frame by frame."""

    def __init__(self, session):
        self.session = session
        self._encoder, self._decoder = FrameEncoder(), FrameDecoder()

    def says(self, *frames, now=None):
        return self.session.receive_data(
            b"".join(map(self._encoder.encode, frames)), now
        )

    def hears(self):
        written = b"".join(self.session.data_to_send())
        return self._decoder.receive_data(written) if written else []


@pytest.fixture
def kubectl():
    """A client at a server, frame by frame."""
    return Peer(PortForwardServer(now=0.0))


def open_forward(kubectl, first=1, request="0"):
    events = kubectl.says(
        stream(first, "error", request), fin(first), stream(first + 2, "data", request)
    )
    assert events == [ForwardOpened(first + 2, 80, request)]
    assert kubectl.hears() == [SynReply(first), SynReply(first + 2)]


def test_a_forward_is_opened_used_and_ended(kubectl):
    open_forward(kubectl)

    assert kubectl.says(data(3, b"GET /"), fin(3)) == [
        DataReceived(3, b"GET /"),
        HalfClosed(3),
    ]
    kubectl.session.send_data(3, b"200 OK")
    kubectl.session.end(3)
    assert kubectl.hears() == [data(3, b"200 OK"), fin(3), fin(1)]
    assert kubectl.session.connection.stream_count == 0


def test_the_data_stream_may_come_first_and_bring_data(kubectl):
    assert kubectl.says(stream(1, "data"), data(1, b"early"), fin(1)) == []

    assert kubectl.says(stream(3, "error")) == [
        ForwardOpened(1, 80, "0"),
        DataReceived(1, b"early"),
        HalfClosed(1),
    ]


def test_a_failure_is_told_on_the_error_stream(kubectl):
    open_forward(kubectl)

    kubectl.session.fail(3, forwarding_error(80, "abc", "no"))

    text = b"error forwarding port 80 to pod abc, uid : no"
    assert kubectl.hears() == [fin(3), data(1, text), RstStream(1)]
    assert kubectl.says(data(3, b"late"), fin(3)) == []


def test_forwards_do_not_mix(kubectl):
    open_forward(kubectl, 1, "0")
    open_forward(kubectl, 5, "1")

    assert kubectl.says(data(7, b"second"), data(3, b"first")) == [
        DataReceived(7, b"second"),
        DataReceived(3, b"first"),
    ]
    kubectl.session.fail(7, "broken")
    kubectl.hears()
    kubectl.session.send_data(3, b"still there")
    assert kubectl.hears() == [data(3, b"still there")]


def test_streams_of_several_forwards_may_interleave(kubectl):
    events = kubectl.says(
        stream(1, "error", "0"),
        stream(3, "error", "1", "81"),
        stream(5, "data", "1", "81"),
        stream(7, "data", "0"),
    )

    assert events == [ForwardOpened(5, 81, "1"), ForwardOpened(7, 80, "0")]


def test_clients_without_request_id_are_paired_by_stream_id(kubectl):
    events = kubectl.says(stream(1, "error", None), stream(3, "data", None))

    assert events == [ForwardOpened(3, 80, "1")]


@pytest.mark.parametrize(
    "bad",
    [
        stream(1, "error", port=None),
        stream(1, "error", port=""),
        stream(1, "error", port="0"),
        stream(1, "error", port="65536"),
        stream(1, "error", port="-1"),
        stream(1, "error", port="http"),
        stream(1, None),
        stream(1, "stdin"),
        stream(1, "error", request="x" * 2000),
    ],
    ids=lambda frame: str(frame.headers)[:60],
)
def test_a_bad_stream_is_reset_and_the_session_goes_on(kubectl, bad):
    assert kubectl.says(bad) == []
    assert kubectl.hears() == [RstStream(1)]

    open_forward(kubectl, 3)


@pytest.mark.parametrize("stream_type", ["error", "data"])
def test_a_second_stream_of_a_type_is_an_error(kubectl, stream_type):
    kubectl.says(stream(1, stream_type), stream(3, stream_type))

    text = (
        f"error processing stream for request 0: {stream_type} stream already assigned"
    )
    told = [data(1, text.encode())] if stream_type == "error" else []
    assert kubectl.hears() == [SynReply(1), SynReply(3), *told]


def test_the_second_stream_must_come_in_time():
    kubectl = Peer(PortForwardServer(now=0.0, name="0xc000"))
    kubectl.says(stream(1, "error", "a"), now=10.0)
    kubectl.says(stream(3, "data", "b"), now=20.0)
    assert kubectl.session.deadline() == 40.0
    kubectl.hears()

    assert kubectl.session.expire(40.0) == []
    text = b"(conn=0xc000, request=a) timed out waiting for streams"
    assert kubectl.hears() == [data(1, text), fin(1)]
    assert kubectl.session.deadline() == 50.0
    kubectl.session.expire(50.0)
    assert kubectl.hears() == [RstStream(3)]
    assert kubectl.session.deadline() is None


def test_a_reset_of_the_data_stream_closes_the_forward(kubectl):
    open_forward(kubectl)

    assert kubectl.says(RstStream(3)) == [ForwardClosed(3)]
    assert kubectl.hears() == [fin(1)]
    kubectl.session.send_data(3, b"nobody hears it")
    assert kubectl.hears() == []


def test_a_reset_of_one_forward_does_not_harm_the_others(kubectl):
    open_forward(kubectl, 1, "0")
    open_forward(kubectl, 5, "1")

    assert kubectl.says(RstStream(3), data(7, b"alive")) == [
        ForwardClosed(3),
        DataReceived(7, b"alive"),
    ]


def test_a_stream_that_is_reset_before_its_pair_is_complete_is_forgotten(kubectl):
    kubectl.says(stream(1, "data"), RstStream(1))

    assert kubectl.session.deadline() is None
    assert kubectl.says(stream(3, "error"), stream(5, "data")) == [
        ForwardOpened(5, 80, "0")
    ]


def test_the_end_of_the_connection_closes_all_forwards(kubectl):
    open_forward(kubectl)

    assert kubectl.says(GoAway(0)) == [
        HalfClosed(3),
        ForwardClosed(3),
        Closed("GOAWAY"),
    ]
    assert kubectl.session.closed
    kubectl.session.end(3)
    assert kubectl.hears() == []


def test_bad_bytes_close_all_forwards_after_what_came_before(kubectl):
    open_forward(kubectl)
    good = FrameEncoder().encode(data(3, b"good"))

    assert kubectl.session.receive_data(good + bytes.fromhex("80030005 00000000")) == [
        DataReceived(3, b"good"),
        ForwardClosed(3),
        Closed("unknown control frame 5"),
    ]


def test_an_idle_session_ends():
    server = PortForwardServer(now=0.0, idle_timeout=14400.0)
    assert server.deadline() == 14400.0

    assert server.expire(14400.0) == [Closed("idle timeout")]
    assert server.closed


def test_a_forward_ends_once(kubectl):
    open_forward(kubectl)
    kubectl.session.end(3)

    with pytest.raises(LocalProtocolError):
        kubectl.session.end(3)


@pytest.fixture
def ends():
    client, server = PortForwardClient(), PortForwardServer()
    forward = client.open(8080)
    assert transfer(client, server) == [ForwardOpened(forward, 8080, "0")]
    assert transfer(server, client) == [ForwardOpened(forward, 8080, "0")]
    return client, server, forward


def test_a_client_opens_as_kubectl_does():
    server = Peer(PortForwardClient())
    assert server.session.open(80) == 3
    assert server.session.open(81) == 7

    assert server.hears() == [
        stream(1, "error"),
        fin(1),
        stream(3, "data"),
        stream(5, "error", "1", "81"),
        fin(5),
        stream(7, "data", "1", "81"),
    ]


def test_bytes_pass_both_ways_with_half_close(ends):
    client, server, forward = ends
    client.send_data(forward, b"request")
    client.finish(forward)
    assert transfer(client, server) == [
        DataReceived(forward, b"request"),
        HalfClosed(forward),
    ]

    server.send_data(forward, b"answer")
    server.end(forward)
    assert transfer(server, client) == [
        DataReceived(forward, b"answer"),
        HalfClosed(forward),
        ForwardClosed(forward),
    ]


def test_a_server_may_half_close_first(ends):
    client, server, forward = ends
    server.finish(forward)
    assert transfer(server, client) == [HalfClosed(forward)]

    client.send_data(forward, b"more")
    assert transfer(client, server) == [DataReceived(forward, b"more")]
    server.end(forward)
    assert transfer(server, client) == [ForwardClosed(forward)]


def test_an_error_reaches_the_client_as_text(ends):
    client, server, forward = ends
    server.fail(forward, "é: no")

    assert transfer(server, client) == [
        HalfClosed(forward),
        ErrorText(forward, "é: no"),
        ForwardClosed(forward),
    ]


def test_a_client_that_resets_still_hears_the_error_stream(ends):
    client, server, forward = ends
    client.reset(forward)
    assert transfer(client, server) == [ForwardClosed(forward)]

    assert transfer(server, client) == [ForwardClosed(forward)]


def test_a_reset_after_the_error_stream_ended_forgets_the_forward(ends):
    client, server, forward = ends
    server.connection.finish(1)
    assert transfer(server, client) == []

    client.reset(forward)
    assert client._forwards == {}


def test_a_stream_that_the_server_rejects_fails_the_forward():
    server = Peer(PortForwardClient())
    forward = server.session.open(80)
    server.hears()

    assert server.says(SynReply(1), RstStream(forward)) == [
        ForwardFailed(forward, "Stream reset")
    ]
    assert server.hears() == []
    assert not server.session.closed


def test_streams_must_be_accepted_in_time():
    client = PortForwardClient(now=0.0, ping_period=None)
    first = client.open(80, 10.0)
    client.open(80, 20.0)
    assert client.deadline() == 40.0

    assert client.expire(40.0) == [ForwardFailed(first, "Timeout occurred")]
    assert client.deadline() == 50.0


def test_a_client_pings(ends):
    client, server, _ = ends
    assert client.expire(5.0) == []

    assert transfer(client, server) == []
    assert server.data_to_send() == [bytes.fromhex("80030006 00000004 00000001")]


def test_a_lost_connection_is_told_once(ends):
    client, _, forward = ends

    assert client.receive_eof() == [
        ForwardClosed(forward),
        Closed("end of connection"),
    ]
    assert client.receive_eof() == []


def test_a_thousand_forwards_at_once():
    client, server = PortForwardClient(), PortForwardServer()
    forwards = [client.open(80) for _ in range(1000)]
    assert len(transfer(client, server)) == 1000

    for forward in forwards:
        server.send_data(forward, b"%d" % forward)
        server.end(forward)
    events = transfer(server, client)

    received = [event for event in events if isinstance(event, DataReceived)]
    assert received == [DataReceived(forward, b"%d" % forward) for forward in forwards]
    assert client._forwards == {}


@pytest.mark.parametrize("text", ["1", "80", "080", "65535"])
def test_ports_are_decimal(text):
    assert parse_port(text) == int(text)


def test_a_port_may_have_any_number_of_leading_zeros():
    assert parse_port("0" * 5000 + "80") == 80


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], 'query parameter "port" is required'),
        (["80", ""], 'query parameter "port" cannot be empty'),
        (["80,x"], 'unable to parse "x" as a port: '),
        (["65536"], "value out of range"),
        (["9" * 5000], "value out of range"),
        (["²"], "invalid syntax"),
        (["0"], 'port "0" must be > 0'),
        (["0" * 5000], 'port "0000'),
    ],
)
def test_bad_ports_of_a_query_are_refused_in_words_of_the_kubelet(values, text):
    with pytest.raises(RemoteProtocolError) as refused:
        parse_ports(values)

    assert text in str(refused.value)


def test_ports_of_a_query_are_repeated_or_have_commas():
    assert parse_ports(["80,443", "80"]) == [80, 443, 80]
