"""exec and attach over SPDY: our client against our server, and each against frames."""

import pytest

from tests.unit.wire.spdy.script import transfer
from wire.carrier import PongReceived
from wire.exit_status import exited
from wire.remotecommand import (
    Closed,
    PeerClosed,
    PingReceived,
    Resized,
    StatusReceived,
    StderrReceived,
    StdinClosed,
    StdinReceived,
    StdoutReceived,
    StreamOptions,
)
from wire.remotecommand_spdy import (
    SPDY_PROTOCOLS,
    SpdyRemoteCommandClient,
    SpdyRemoteCommandServer,
)
from wire.spdy.frame_decoder import FrameDecoder
from wire.spdy.frame_encoder import FrameEncoder
from wire.spdy.frames import Data, Flag, GoAway, Ping, RstStream, SynReply, SynStream
from wire.terminal import TerminalSize

V1, V2, V4 = "channel.k8s.io", "v2.channel.k8s.io", "v4.channel.k8s.io"
ALL = StreamOptions(stdin=True, stdout=True, stderr=True)
TTY = StreamOptions(stdin=True, stdout=True, tty=True)


def stream(stream_id, stream_type):
    return SynStream(stream_id, (("streamtype", stream_type),))


def data(stream_id, payload=b"", flags=0):
    return Data(stream_id, payload, flags, len(payload))


def fin(stream_id):
    return data(stream_id, b"", Flag.FIN)


class Peer:
    """The other end of a session, frame by frame."""

    def __init__(self, session):
        self.session = session
        self._encoder, self._decoder = FrameEncoder(), FrameDecoder()

    def says(self, *frames):
        return self.session.receive_data(b"".join(map(self._encoder.encode, frames)))

    def hears(self):
        written = b"".join(self.session.data_to_send())
        return self._decoder.receive_data(written) if written else []


def established(protocol=V4, options=ALL):
    client = SpdyRemoteCommandClient(protocol, options)
    server = SpdyRemoteCommandServer(protocol, options)
    assert transfer(client, server) == []
    assert server.ready
    assert transfer(server, client) == []
    return client, server


@pytest.mark.parametrize(
    ("protocol", "options", "types"),
    [
        (V4, ALL, ["error", "stdin", "stdout", "stderr"]),
        (V4, TTY, ["error", "stdin", "stdout", "resize"]),
        ("v3.channel.k8s.io", TTY, ["error", "stdin", "stdout", "resize"]),
        (V2, TTY, ["error", "stdin", "stdout"]),
        (V1, TTY, ["error", "stdin", "stdout"]),
        (V4, StreamOptions(stdout=True), ["error", "stdout"]),
        (
            V4,
            StreamOptions(stdout=True, stderr=True, tty=True),
            ["error", "stdout", "resize"],
        ),
    ],
)
def test_a_client_opens_the_streams_of_its_version_in_order(protocol, options, types):
    client = Peer(SpdyRemoteCommandClient(protocol, options))

    expected = [stream(2 * i + 1, name) for i, name in enumerate(types)]
    assert client.hears() == expected


@pytest.mark.parametrize("protocol", SPDY_PROTOCOLS)
def test_bytes_pass_both_ways(protocol):
    client, server = established(protocol)

    client.send_stdin(b"in")
    client.close_stdin()
    assert transfer(client, server) == [StdinReceived(b"in"), StdinClosed()]
    server.send_stdout(b"out")
    server.send_stderr(b"err")
    assert transfer(server, client) == [StdoutReceived(b"out"), StderrReceived(b"err")]


def test_the_status_is_json_on_v4_and_text_before():
    for protocol, start in ((V4, b'{"status":"Failure"'), (V2, b"command terminated")):
        client, server = established(protocol)
        server.send_result(exited(7))
        server.close()

        status, closed = transfer(server, client)

        assert isinstance(status, StatusReceived)
        assert status.payload.startswith(start)
        assert closed == Closed(1000)
        assert client.closed
        assert server.closed


def test_success_is_silent_before_v4():
    client, server = established(V2)
    server.send_result(exited(0))
    server.close()

    assert transfer(server, client) == [Closed(1000)]


def test_a_session_ends_as_containerd_ends_it():
    peer = Peer(SpdyRemoteCommandServer(V4, StreamOptions(stdout=True, stderr=True)))
    peer.says(stream(1, "error"), stream(3, "stdout"), stream(5, "stderr"))
    peer.session.send_stdout(b"out\n")
    peer.session.send_stderr(b"err\n")
    peer.session.send_status(b"{}")
    peer.session.close()

    assert peer.hears() == [
        SynReply(1),
        SynReply(3),
        SynReply(5),
        data(3, b"out\n"),
        data(5, b"err\n"),
        fin(3),
        fin(5),
        data(1, b"{}"),
        RstStream(1),
        GoAway(5),
    ]


def test_a_v1_server_drops_the_error_stream_and_finishes_stdin_at_once():
    peer = Peer(SpdyRemoteCommandServer(V1, StreamOptions(stdin=True, stdout=True)))

    peer.says(stream(1, "error"), stream(3, "stdin"), stream(5, "stdout"))

    replies = [SynReply(1), SynReply(3), SynReply(5)]
    assert peer.hears() == [*replies, fin(3), RstStream(1)]
    peer.session.send_result(exited(1))
    assert fin(5) in peer.hears()


def test_a_v1_session_ends_with_its_output():
    client, server = established(V1)
    server.send_stdout(b"out")
    server.send_result(exited(1))
    server.close()

    assert transfer(server, client) == [StdoutReceived(b"out"), Closed(1000)]


def test_a_server_is_ready_when_all_streams_are_there_in_any_order():
    peer = Peer(SpdyRemoteCommandServer(V4, ALL))

    for number, name in enumerate(["stderr", "stdin", "error"]):
        peer.says(stream(2 * number + 1, name))
        assert not peer.session.ready
    peer.says(stream(7, "stdout"))
    assert peer.session.ready


def test_input_right_behind_the_streams_is_not_lost():
    peer = Peer(SpdyRemoteCommandServer(V4, StreamOptions(stdin=True)))

    events = peer.says(
        stream(1, "error"), stream(3, "stdin"), data(3, b"early"), fin(3)
    )

    assert events == [StdinReceived(b"early"), StdinClosed()]


def test_unknown_streams_are_accepted_not_counted_and_reset_at_the_end():
    peer = Peer(SpdyRemoteCommandServer(V4, StreamOptions(stdout=True)))
    peer.says(stream(1, "error"), stream(3, "sound"), data(3, b"noise"))
    assert not peer.session.ready
    peer.says(stream(5, "stdout"))
    peer.session.close()

    heard = peer.hears()

    assert heard[:3] == [SynReply(1), SynReply(3), SynReply(5)]
    assert RstStream(3) in heard


def test_the_last_stream_of_a_type_counts():
    peer = Peer(SpdyRemoteCommandServer(V4, StreamOptions(stdin=True)))
    peer.says(stream(1, "error"), stream(3, "stdin"), stream(5, "stdin"))

    assert peer.says(data(3, b"old"), data(5, b"new")) == [StdinReceived(b"new")]


def test_a_stream_that_is_reset_in_the_chunk_that_opens_it_does_no_harm():
    peer = Peer(SpdyRemoteCommandServer(V1, StreamOptions(stdin=True)))

    events = peer.says(
        stream(1, "error"), RstStream(1), stream(3, "stdin"), RstStream(3)
    )

    assert events == [StdinClosed()]
    peer.session.send_status(b"status")
    assert peer.hears() == []


def test_sizes_reach_the_server():
    client, server = established(options=TTY)
    client.send_resize(TerminalSize(80, 24))

    assert transfer(client, server) == [Resized(TerminalSize(80, 24))]


def test_sizes_do_not_exist_before_v3():
    client, server = established(V2, TTY)
    client.send_resize(TerminalSize(80, 24))
    assert transfer(client, server) == []

    peer = Peer(SpdyRemoteCommandServer(V2, TTY))
    peer.says(stream(1, "error"), stream(3, "stdin"), stream(5, "stdout"))
    size = b'{"Width":1,"Height":2}'
    assert peer.says(stream(7, "resize"), data(7, size)) == []


@pytest.mark.parametrize(
    "ending",
    [
        [fin(5), fin(7), fin(1)],
        [RstStream(5), RstStream(7), RstStream(1)],
        [GoAway(0)],
    ],
    ids=["FIN", "RST", "GOAWAY"],
)
def test_each_good_ending_is_one_for_the_client(ending):
    peer = Peer(SpdyRemoteCommandClient(V4, ALL))
    peer.says(*map(SynReply, (1, 3, 5, 7)))

    events = peer.says(data(1, b"{}"), *ending)

    assert events == [StatusReceived(b"{}"), Closed(1000)]
    assert peer.session.receive_eof() == []


def test_the_end_of_the_connection_is_good_after_a_status_only():
    for said, closed in (
        ([data(1, b"{}")], Closed(1000)),
        ([data(5, b"half")], Closed(1006, "unexpected EOF")),
    ):
        peer = Peer(SpdyRemoteCommandClient(V4, ALL))
        peer.says(*map(SynReply, (1, 3, 5, 7)), *said)
        assert peer.session.receive_eof() == [closed]


def test_a_goaway_before_the_status_is_no_good_ending():
    peer = Peer(SpdyRemoteCommandClient(V4, ALL))
    peer.says(*map(SynReply, (1, 3, 5, 7)), data(5, b"half"))

    assert peer.says(GoAway(0)) == [Closed(1006, "unexpected EOF")]


def test_a_client_cleans_up_when_the_session_is_over():
    peer = Peer(SpdyRemoteCommandClient(V4, StreamOptions(stdin=True, stdout=True)))
    peer.hears()
    peer.says(*map(SynReply, (1, 3, 5)), data(1, b"{}"), fin(5), fin(1))

    assert peer.hears() == [RstStream(1), RstStream(3), RstStream(5), GoAway(0)]
    assert peer.session.closed


def test_a_stream_that_the_server_rejects_ends_the_session():
    peer = Peer(SpdyRemoteCommandClient(V4, ALL))

    assert peer.says(SynReply(1), RstStream(3)) == [Closed(1006, "Stream reset")]


def test_streams_must_be_accepted_in_time():
    client = SpdyRemoteCommandClient(V4, ALL, now=100.0, ping_period=None)
    assert client.deadline() == 130.0

    assert client.expire(130.0) == [Closed(1006, "Timeout occurred")]
    assert client.closed


def test_streams_must_be_opened_in_time():
    server = SpdyRemoteCommandServer(V4, ALL, now=100.0)
    assert server.deadline() == 130.0

    text = "timed out waiting for client to create streams"
    assert server.expire(130.0) == [StdinClosed(), PeerClosed(1006, text)]
    assert server.closed


def test_a_session_that_is_complete_waits_without_limit():
    client, server = established()

    assert server.deadline() is None
    assert client.deadline() == 5.0  # the next ping


def test_an_idle_session_ends_at_the_server():
    server = SpdyRemoteCommandServer(V4, StreamOptions(stdin=True), idle_timeout=60.0)
    frames = (stream(1, "error"), stream(3, "stdin"))
    server.receive_data(b"".join(map(FrameEncoder().encode, frames)), 10.0)
    server.data_to_send(20.0)
    assert server.deadline() == 80.0

    assert server.expire(80.0) == [StdinClosed(), PeerClosed(1006, "idle timeout")]
    assert server.closed


def test_a_buffer_of_stdin_may_be_used_again_at_once():
    client, server = established()
    buffer = bytearray(b"first")
    client.send_stdin(buffer)
    buffer[:] = b"other"

    assert transfer(client, server) == [StdinReceived(b"first")]


def test_a_client_pings_and_the_server_answers():
    client, server = established()
    assert client.expire(5.0) == []

    assert transfer(client, server) == [PingReceived(b"\0\0\0\1")]
    assert transfer(server, client) == [PongReceived(b"\0\0\0\1")]


def test_a_server_answers_a_ping_of_a_client():
    peer = Peer(SpdyRemoteCommandServer(V4, ALL))

    assert peer.says(Ping(1)) == [PingReceived(b"\0\0\0\1")]
    assert peer.hears() == [Ping(1)]


def test_a_client_that_goes_ends_stdin():
    for ending, code in (("goaway", 1000), ("eof", 1006)):
        client, server = established()
        if ending == "goaway":
            client.close()
            events = transfer(client, server)
        else:
            events = server.receive_eof()
        assert events[0] == StdinClosed()
        assert events[-1].code == code
        server.send_stdout(b"nobody hears it")
        server.close()
        assert server.data_to_send() == []


def test_bad_bytes_end_a_session_after_what_came_before_them():
    encoder = FrameEncoder()
    server = SpdyRemoteCommandServer(V4, StreamOptions(stdin=True))
    frames = (stream(1, "error"), stream(3, "stdin"), data(3, b"in"))
    good = b"".join(map(encoder.encode, frames))

    events = server.receive_data(good + bytes.fromhex("80030005 00000000"))

    assert events == [
        StdinReceived(b"in"),
        StdinClosed(),
        PeerClosed(1002, "unknown control frame 5"),
    ]
    assert server.receive_data(b"more") == []


def test_large_data_is_passed_without_copies_at_the_sender():
    client, server = established()
    payload = bytes(1 << 20)

    server.send_stdout(payload)

    buffers = server.data_to_send()
    assert all(buffer.obj is payload for buffer in buffers[1::2])
    events = client.receive_data(b"".join(buffers))
    assert b"".join(event.data for event in events) == payload
