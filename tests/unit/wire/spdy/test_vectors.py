"""The cores replay what real kubectls and servers said."""

import pytest

from tests.unit.wire.spdy import vectors
from wire.portforward import (
    Closed as ForwardingClosed,
)
from wire.portforward import (
    DataReceived,
    ErrorText,
    ForwardClosed,
    ForwardOpened,
    HalfClosed,
    PortForwardClient,
    PortForwardServer,
)
from wire.remotecommand import (
    Closed,
    PeerClosed,
    StatusReceived,
    StderrReceived,
    StdinClosed,
    StdinReceived,
    StdoutReceived,
    StreamOptions,
)
from wire.remotecommand_spdy import SpdyRemoteCommandClient, SpdyRemoteCommandServer
from wire.spdy.connection import Role, SpdyConnection
from wire.spdy.events import FrameIgnored
from wire.spdy.frame_decoder import FrameDecoder


@pytest.mark.parametrize("vector", vectors.load(), ids=str)
@pytest.mark.parametrize("side", ["client", "server"])
def test_every_recorded_byte_belongs_to_a_frame(vector, side):
    decoder = FrameDecoder()

    frames = [frame for data in vector.of(side) for frame in decoder.receive_data(data)]

    assert frames
    assert b"".join(frame.raw for frame in frames) == b"".join(vector.of(side))
    assert not decoder.inside_frame


@pytest.mark.parametrize("vector", vectors.load(), ids=str)
def test_a_server_ignores_no_frame_of_a_real_client(vector):
    """The recorded server's part is not played: nothing of it is needed to read."""
    conn = SpdyConnection(Role.SERVER)

    events = [
        event for data in vector.of("client") for event in conn.receive_data(data)
    ]

    assert not [event for event in events if isinstance(event, FrameIgnored)]
    assert conn.error is None


def test_an_exec_session_of_real_kubectl_is_served():
    [vector] = vectors.load("exec-i-cat-kubectl-1.27*")
    server = SpdyRemoteCommandServer(
        vector.subprotocol, StreamOptions(stdin=True, stdout=True, stderr=True)
    )

    events = [
        event for data in vector.of("client") for event in server.receive_data(data)
    ]

    assert server.ready
    assert events == [StdinReceived(b"one line\n"), StdinClosed()]


def test_an_exec_session_that_kubectl_ends_is_closed():
    [vector] = vectors.load("exec-i-kubectl-1.32.4")
    server = SpdyRemoteCommandServer(
        vector.subprotocol, StreamOptions(stdin=True, stdout=True, stderr=True)
    )

    events = [
        event for data in vector.of("client") for event in server.receive_data(data)
    ]

    assert events == [
        StdinReceived(b"hi\n"),
        StdinClosed(),
        PeerClosed(1000, "GOAWAY"),
    ]


def test_the_recorded_server_satisfies_our_client():
    [vector] = vectors.load("exec-i-kubectl-1.32.4")
    client = SpdyRemoteCommandClient(
        vector.subprotocol, StreamOptions(stdin=True, stdout=True, stderr=True)
    )

    events = [
        event for data in vector.of("server") for event in client.receive_data(data)
    ]

    assert events == [
        StdoutReceived(b"out\n"),
        StderrReceived(b"err\n"),
        StatusReceived(b'{"metadata":{},"status":"Success"}'),
        Closed(1000),
    ]


def test_our_server_sends_what_the_recorded_one_of_ours_sent():
    [vector] = vectors.load("exec-fail-kubectl-1.27*")
    server = SpdyRemoteCommandServer(
        vector.subprotocol, StreamOptions(stdout=True, stderr=True)
    )
    replies = []
    for data in vector.of("client"):
        server.receive_data(data)
        replies += server.data_to_send()

    recorded = b"".join(vector.of("server"))
    assert recorded.startswith(b"".join(replies))


@pytest.mark.parametrize("vector", vectors.load("port-forward-kubectl-*"), ids=str)
def test_forwards_of_real_kubectl_are_served(vector):
    server = PortForwardServer()

    events = [
        event for data in vector.of("client") for event in server.receive_data(data)
    ]

    request = (
        b"GET /passwd HTTP/1.1\r\nHost: 127.0.0.1:18081\r\n"
        b"User-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"
    )
    assert events == [
        ForwardOpened(3, 8080, "0"),
        DataReceived(3, request),
        HalfClosed(3),
        ForwardOpened(7, 8080, "1"),
        DataReceived(7, request),
        HalfClosed(7),
        ForwardClosed(3),
        ForwardClosed(7),
        ForwardingClosed("GOAWAY"),
    ]


@pytest.mark.parametrize(
    "vector", vectors.load("port-forward-refused-kubectl-*"), ids=str
)
def test_a_refusal_of_the_real_server_reaches_our_client(vector):
    client = PortForwardClient()
    forward = client.open(9999)

    events = [
        event for data in vector.of("server") for event in client.receive_data(data)
    ]

    opened, half_closed, error, closed = events
    assert opened == ForwardOpened(forward, 9999, "0")
    assert half_closed == HalfClosed(forward)
    assert isinstance(error, ErrorText)
    assert error.text.startswith("error forwarding port 9999 to pod ")
    assert closed == ForwardClosed(forward)


def test_answers_of_the_real_server_reach_our_client():
    [vector] = vectors.load("port-forward-kubectl-1.36.2")
    client = PortForwardClient()
    first, second = client.open(8080), client.open(8080)

    events = [
        event for data in vector.of("server") for event in client.receive_data(data)
    ]

    for forward in (first, second):
        answer = b"".join(
            event.data
            for event in events
            if isinstance(event, DataReceived) and event.forward == forward
        )
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"nobody:/home:/bin/false\n")
        assert ForwardClosed(forward) in events
