"""The rules of a connection, as conversations with one end of it."""

import pytest

from tests.unit.wire.spdy.script import Script, transfer
from wire.errors import LocalProtocolError, RemoteProtocolError
from wire.spdy.connection import Role, SpdyConnection
from wire.spdy.events import (
    ConnectionClosed,
    DataReceived,
    FrameIgnored,
    GoneAway,
    HeadersReceived,
    PingAnswered,
    Pinged,
    SettingsReceived,
    StreamFinished,
    StreamOpened,
    StreamReplied,
    StreamReset,
)
from wire.spdy.frame_encoder import FrameEncoder
from wire.spdy.frames import (
    Data,
    Flag,
    GoAway,
    HeadersFrame,
    Ping,
    ResetStatus,
    RstStream,
    Setting,
    Settings,
    SynReply,
    SynStream,
    WindowUpdate,
)
from wire.spdy.limits import Limits

FIN = Flag.FIN
ERROR_STREAM = (("streamtype", "error"),)


def data(stream_id, payload=b"", flags=0):
    return Data(stream_id, payload, flags, len(payload))


@pytest.fixture
def server():
    """A server with stream 1 open and replied."""
    script = Script(Role.SERVER).receives(SynStream(1)).does("reply", 1)
    return script.emits(StreamOpened(1)).sends(SynReply(1))


@pytest.fixture
def client():
    """A client with stream 1 open and replied."""
    script = Script(Role.CLIENT).does("open_stream").sends(SynStream(1))
    return script.receives(SynReply(1)).emits(StreamReplied(1))


def test_a_stream_is_opened_replied_used_and_finished():
    (
        Script(Role.SERVER)
        .receives(SynStream(1, ERROR_STREAM))
        .emits(StreamOpened(1, ERROR_STREAM))
        .does("reply", 1)
        .sends(SynReply(1))
        .receives(data(1, b"hi"), data(1, b"", FIN))
        .emits(DataReceived(1, b"hi"), StreamFinished(1))
        .does("send_data", 1, b"ho")
        .does("finish", 1)
        .sends(data(1, b"ho"), data(1, b"", FIN))
    )


def test_a_stream_that_both_ends_finished_is_gone(server):
    server.receives(data(1, b"", FIN)).does("finish", 1)

    assert server.conn.stream_count == 0


def test_streams_of_a_client_are_odd_and_of_a_server_even():
    for role, first in ((Role.CLIENT, 1), (Role.SERVER, 2)):
        conn = SpdyConnection(role)
        assert [conn.open_stream() for _ in range(3)] == [first, first + 2, first + 4]


def test_fin_may_come_on_any_frame_that_has_it():
    (
        Script(Role.SERVER)
        .receives(SynStream(1, flags=FIN))
        .emits(StreamOpened(1), StreamFinished(1))
        .receives(SynStream(3), HeadersFrame(3, (("a", "b"),), flags=FIN))
        .emits(StreamOpened(3), HeadersReceived(3, (("a", "b"),)), StreamFinished(3))
        .receives(SynStream(5), data(5, b"last", FIN))
        .emits(StreamOpened(5), DataReceived(5, b"last"), StreamFinished(5))
    )


def test_fin_on_the_reply_ends_the_stream_of_the_acceptor():
    (
        Script(Role.CLIENT)
        .does("open_stream")
        .receives(SynReply(1, flags=FIN), data(1, b"late"))
        .emits(
            StreamReplied(1),
            StreamFinished(1),
            FrameIgnored(1, "stream is at its end"),
        )
    )


def test_we_may_send_fin_on_open_reply_and_data():
    client = Script(Role.CLIENT).does("open_stream", fin=True)
    client.sends(SynStream(1, flags=FIN))
    server = Script(Role.SERVER).receives(SynStream(1), SynStream(3))
    server.does("reply", 1, fin=True).does("reply", 3)
    server.does("send_data", 3, b"all", fin=True)
    server.sends(SynReply(1, flags=FIN), SynReply(3), data(3, b"all", FIN))


def test_a_unidirectional_stream_takes_no_data_of_ours():
    server = Script(Role.SERVER).receives(SynStream(1, flags=Flag.UNIDIRECTIONAL))
    server.emits(StreamOpened(1, unidirectional=True)).does("reply", 1)

    with pytest.raises(LocalProtocolError):
        server.conn.send_data(1, b"no")


def test_data_before_the_reply_is_discarded_by_the_opener():
    (
        Script(Role.CLIENT)
        .does("open_stream")
        .receives(data(1, b"early"), SynReply(1), data(1, b"in time"))
        .emits(
            FrameIgnored(1, "data before the reply"),
            StreamReplied(1),
            DataReceived(1, b"in time"),
        )
    )


def test_data_of_the_opener_right_behind_its_stream_is_not_lost():
    (
        Script(Role.SERVER)
        .receives(SynStream(1), data(1, b"early"))
        .emits(StreamOpened(1), DataReceived(1, b"early"))
    )


def test_data_after_fin_and_for_unknown_streams_is_ignored(server):
    server.receives(data(1, b"", FIN), data(1, b"late"), data(99, b"?")).emits(
        StreamFinished(1),
        FrameIgnored(1, "stream is at its end"),
        FrameIgnored(99, "stream is at its end"),
    ).sends()


def test_a_reset_drops_the_stream(server):
    server.receives(RstStream(1, ResetStatus.CANCEL), RstStream(1, 5)).emits(
        StreamReset(1, ResetStatus.CANCEL), FrameIgnored(1, "stream is at its end")
    )

    assert not server.conn.is_open(1)
    with pytest.raises(LocalProtocolError):
        server.conn.send_data(1, b"no")


def test_our_reset_goes_out_unless_we_sent_fin():
    server = Script(Role.SERVER).receives(SynStream(1), SynStream(3))
    server.does("reply", 1).does("reply", 3).does("finish", 3)
    server.sends(SynReply(1), SynReply(3), data(3, b"", FIN))

    server.does("reset", 1).does("reset", 3)

    server.sends(RstStream(1, ResetStatus.CANCEL))
    assert server.conn.stream_count == 0


def test_a_stream_is_refused_by_a_reset_without_reply():
    server = Script(Role.SERVER).receives(SynStream(1)).does("reset", 1)

    server.sends(RstStream(1, ResetStatus.CANCEL))


@pytest.mark.parametrize("bad_id", [1, 3, 4, 5, 0x80000007, 0xFFFFFFFF])
def test_a_stream_id_out_of_order_is_reset(bad_id):
    (
        Script(Role.SERVER)
        .receives(SynStream(5))
        .emits(StreamOpened(5))
        .receives(SynStream(bad_id))
        .emits(FrameIgnored(bad_id, "id out of order"))
        .sends(RstStream(bad_id, ResetStatus.PROTOCOL_ERROR))
    )


def test_gaps_and_even_ids_of_a_client_are_accepted():
    (
        Script(Role.SERVER)
        .receives(SynStream(1), SynStream(8), SynStream(101))
        .emits(StreamOpened(1), StreamOpened(8), StreamOpened(101))
    )


def test_a_stream_id_of_ours_is_no_stream_of_the_peer():
    server = Script(Role.SERVER).does("open_stream")

    with pytest.raises(RemoteProtocolError, match="stream 2 is ours"):
        server.receives(SynStream(2))


def test_headers_are_read_in_order_even_of_refused_streams():
    (
        Script(Role.SERVER)
        .receives(SynStream(3, ERROR_STREAM))
        .receives(SynStream(1, (("port", "80"),)))
        .receives(SynStream(5, (("port", "80"), *ERROR_STREAM)))
        .emits(
            StreamOpened(3, ERROR_STREAM),
            FrameIgnored(1, "id out of order"),
            StreamOpened(5, (("port", "80"), *ERROR_STREAM)),
        )
    )


def test_a_ping_of_the_peer_is_echoed_byte_for_byte():
    Script(Role.SERVER).receives(Ping(7)).emits(Pinged(7)).sends(Ping(7))
    Script(Role.CLIENT).receives(Ping(8)).emits(Pinged(8)).sends(Ping(8))


def test_an_answer_to_our_ping_is_told_once():
    (
        Script(Role.CLIENT)
        .does("ping")
        .sends(Ping(1))
        .receives(Ping(1), Ping(1))
        .emits(PingAnswered(1), FrameIgnored(0, "answer to no PING of ours"))
        .sends()
    )


def test_ping_ids_wrap_at_the_end():
    conn = SpdyConnection(Role.CLIENT)
    conn._next_ping_id = 0x7FFFFFFF

    assert [conn.ping(), conn.ping()] == [0x7FFFFFFF, 1]


def test_stream_ids_run_out():
    conn = SpdyConnection(Role.CLIENT)
    conn._streams._next_ours = 0x7FFFFFFF
    assert conn.open_stream() == 0x7FFFFFFF

    with pytest.raises(LocalProtocolError, match="no stream id left"):
        conn.open_stream()


def test_flow_control_and_settings_have_no_effect(server):
    server.receives(
        Settings((Setting(7, 0),)), WindowUpdate(1, 0), WindowUpdate(0, 0xFFFFFFFF)
    ).emits(SettingsReceived(), SettingsReceived(), SettingsReceived()).sends()

    server.does("send_data", 1, bytes(100_000))
    assert sum(map(len, server.conn.data_to_send())) == 100_000 + 4 * 8


def test_nothing_after_goaway_is_read(server):
    server.receives(data(1, b"last"), GoAway(0, 0), data(1, b"more"), Ping(1)).emits(
        DataReceived(1, b"last"),
        GoneAway(0, 0),
        StreamFinished(1),
        ConnectionClosed("GOAWAY"),
    ).sends()

    assert server.conn.closed
    assert server.conn.receive_data(b"junk") == []
    assert server.conn.receive_eof() == []


def test_our_goaway_names_the_highest_stream_of_the_peer():
    conn = Script(Role.SERVER).receives(SynStream(1), SynStream(5))
    conn.does("goaway").does("goaway").sends(GoAway(5))
    assert not conn.conn.closed

    Script(Role.CLIENT).does("goaway").sends(GoAway(0))


def test_streams_that_come_after_our_goaway_are_ignored(server):
    server.does("goaway").receives(SynStream(3), data(1, b"more")).emits(
        FrameIgnored(3, "opened after our GOAWAY"), DataReceived(1, b"more")
    )
    with pytest.raises(LocalProtocolError):
        server.conn.open_stream()


def test_close_resets_all_streams_then_says_goaway():
    server = Script(Role.SERVER).receives(SynStream(1), SynStream(3), SynStream(5))
    server.does("reply", 3).does("finish", 3)
    server.sends(SynReply(3), data(3, b"", FIN))

    server.does("close").sends(RstStream(1, 5), RstStream(5, 5), GoAway(5))

    assert server.conn.closed


def test_the_end_of_the_connection_ends_all_streams(server):
    assert server.conn.receive_eof() == [
        StreamFinished(1),
        ConnectionClosed("end of connection"),
    ]
    with pytest.raises(LocalProtocolError):
        server.conn.send_data(1, b"no")


def test_an_end_inside_a_frame_is_an_error(server):
    server.conn.receive_data(bytes.fromhex("00000001 00000004 6869"))

    with pytest.raises(RemoteProtocolError, match="inside a SPDY frame"):
        server.conn.receive_eof()


def test_events_before_bad_bytes_are_returned_first(server):
    good = FrameEncoder().encode(data(1, b"good"))

    events = server.conn.receive_data(good + bytes.fromhex("80030005 00000000"))

    assert events == [DataReceived(1, b"good")]
    assert server.conn.error is not None
    assert server.conn.deadline() == float("-inf")
    for later in (
        lambda: server.conn.receive_data(b""),
        server.conn.receive_eof,
        lambda: server.conn.expire(1.0),
    ):
        with pytest.raises(RemoteProtocolError, match="unknown control frame 5"):
            later()


@pytest.mark.parametrize(
    "misuse",
    [
        lambda conn: conn.reply(1),
        lambda conn: conn.reply(99),
        lambda conn: conn.reset(99),
        lambda conn: conn.send_data(99, b"x"),
    ],
)
def test_misuse_is_a_local_error(server, misuse):
    with pytest.raises(LocalProtocolError):
        misuse(server.conn)


def test_data_before_our_own_reply_is_a_local_error():
    server = Script(Role.SERVER).receives(SynStream(1))

    with pytest.raises(LocalProtocolError, match="before the reply"):
        server.conn.send_data(1, b"x")


def test_a_second_fin_is_a_local_error_and_sends_nothing(server):
    server.does("finish", 1).sends(data(1, b"", FIN))

    with pytest.raises(LocalProtocolError, match="FIN was sent"):
        server.conn.finish(1)
    server.sends()


def test_a_stream_of_ours_needs_no_reply_of_ours():
    client = Script(Role.CLIENT).does("open_stream")

    with pytest.raises(LocalProtocolError, match="needs no reply"):
        client.conn.reply(1)


def test_a_second_reply_is_ignored(client):
    client.receives(SynReply(1), SynReply(9)).emits(
        FrameIgnored(1, "no stream waits for it"),
        FrameIgnored(9, "no stream waits for it"),
    )


def test_long_data_is_cut_into_frames_and_not_copied(server):
    payload = bytes(100_000)
    server.does("send_data", 1, payload, fin=True)

    buffers = server.conn.data_to_send()

    assert [len(buffer) for buffer in buffers] == [8, 32768] * 3 + [8, 1696]
    assert all(view.obj is payload for view in buffers[1::2])
    assert buffers[-2] == bytes.fromhex("00000001 010006a0")


def test_empty_data_without_fin_sends_nothing(server):
    server.does("send_data", 1, b"").sends()


def test_events_keep_the_bytes_of_their_frame():
    raw = FrameEncoder().encode(SynStream(1, ERROR_STREAM))

    [event] = SpdyConnection(Role.SERVER).receive_data(raw)

    assert event.frame == SynStream(1, ERROR_STREAM)
    assert event.frame.raw == raw


def test_pings_go_out_each_period_but_not_while_one_is_unanswered():
    conn = SpdyConnection(Role.CLIENT, now=100.0, ping_period=5.0)
    peer = SpdyConnection(Role.SERVER)
    assert conn.deadline() == 105.0

    assert conn.expire(104.0) == []
    assert conn.data_to_send() == []
    conn.expire(105.0)
    sent = conn.data_to_send()
    conn.expire(110.0)
    assert conn.data_to_send() == []

    peer.receive_data(b"".join(sent))
    assert transfer(peer, conn) == [PingAnswered(1)]
    conn.expire(115.0)
    assert transfer(conn, peer) == [Pinged(3)]


def test_an_idle_connection_is_reset_and_closed():
    conn = SpdyConnection(Role.SERVER, now=0.0, idle_timeout=60.0)
    conn.receive_data(FrameEncoder().encode(SynStream(1)), 10.0)
    assert conn.deadline() == 70.0
    assert conn.expire(69.0) == []

    assert conn.expire(70.0) == [ConnectionClosed("idle timeout")]

    expected = [FrameEncoder().encode(frame) for frame in (RstStream(1), GoAway(1))]
    assert conn.data_to_send() == expected
    assert conn.deadline() is None


def test_any_frame_in_or_out_keeps_a_connection_from_being_idle():
    conn = SpdyConnection(Role.SERVER, now=0.0, idle_timeout=60.0)
    conn.receive_data(FrameEncoder().encode(Ping(1)), 30.0)
    assert conn.deadline() == 90.0

    conn.data_to_send(50.0)

    assert conn.deadline() == 110.0
    assert conn.data_to_send(80.0) == []
    assert conn.deadline() == 110.0


def test_frames_without_a_time_count_when_the_clock_is_next_asked():
    conn = SpdyConnection(Role.SERVER, now=0.0, idle_timeout=60.0)
    conn.receive_data(FrameEncoder().encode(Ping(1)))

    assert conn.expire(60.0) == []
    assert conn.deadline() == 120.0


def test_streams_beyond_the_limit_are_refused():
    (
        Script(Role.SERVER, limits=Limits(max_streams=2))
        .receives(SynStream(1), SynStream(3), SynStream(5), RstStream(1), SynStream(7))
        .emits(
            StreamOpened(1),
            StreamOpened(3),
            FrameIgnored(5, "too many streams"),
            StreamReset(1, 5),
            StreamOpened(7),
        )
        .sends(RstStream(5, ResetStatus.REFUSED_STREAM))
    )
