import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.splits import cut_lists, pieces
from wire.channels import SUBPROTOCOLS
from wire.exit_status import decode, exited, internal_error
from wire.remotecommand import (
    Closed,
    PeerClosed,
    PingReceived,
    PongReceived,
    RemoteCommandClient,
    RemoteCommandServer,
    Resized,
    StatusReceived,
    StderrReceived,
    StdinClosed,
    StdinReceived,
    StdoutReceived,
    StreamOptions,
)
from wire.terminal import TerminalSize
from wire.websocket import Opcode, close_payload, encode_frame

ALL = StreamOptions(stdin=True, stdout=True, stderr=True)
TTY = StreamOptions(stdin=True, stdout=True, tty=True)
MASK = bytes.fromhex("37fa213d")
V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
BASE64, V4_BASE64 = "base64.channel.k8s.io", "v4.base64.channel.k8s.io"

subprotocols = pytest.mark.parametrize("subprotocol", list(SUBPROTOCOLS))


def sent(core):
    return b"".join(core.data_to_send())


def server(subprotocol=V5, options=ALL):
    return RemoteCommandServer(subprotocol, options)


def client_frame(payload, opcode=Opcode.BINARY, fin=True):
    return encode_frame(opcode, payload, fin=fin, mask=MASK)


def server_frame(payload, opcode=Opcode.BINARY, fin=True):
    return encode_frame(opcode, payload, fin=fin)


@pytest.mark.parametrize(
    ("options", "ready"),
    [
        (ALL, "820101"),
        (StreamOptions(stderr=True), "820102"),
        (StreamOptions(stdin=True), "820103"),
        (StreamOptions(stdin=True, stderr=True, tty=True), "820103"),
        (TTY, "820101"),
    ],
)
def test_a_server_opens_with_an_empty_message_on_the_lowest_output(options, ready):
    core = server(options=options)

    core.start()

    assert sent(core).hex() == ready


def test_the_empty_message_of_base64_is_a_digit():
    core = server(BASE64)

    core.start()

    assert sent(core).hex() == "810131"


def test_a_whole_session_is_byte_for_byte_that_of_the_reference():
    core = server(V5, StreamOptions(stdout=True, stderr=True))

    core.start()
    core.send_stdout(b"hi\n")
    core.send_result(exited(0), "metav1")
    core.close()

    status = b'{"metadata":{},"status":"Success"}'
    assert sent(core) == (
        bytes.fromhex("82010182040168690a")
        + b"\x82\x23\x03"
        + status
        + bytes.fromhex("880203e8")
    )
    assert core.closed


@pytest.mark.parametrize(
    ("hexed", "expected"),
    [
        ("828437fa213d37965237", [StdinReceived(b"ls\n")]),
        ("828237fa213dc8fa", [StdinClosed()]),
        ("8284f4e2b19ff48ad89582829" + "6f224c369f2", None),
    ],
)
def test_a_server_reads_the_frames_of_the_reference(hexed, expected):
    # The last one is what real kubectl 1.32.4 sent for `echo hi | kubectl exec -i`.
    expected = expected or [StdinReceived(b"hi\n"), StdinClosed()]

    assert server().receive_data(bytes.fromhex(hexed)) == expected


@subprotocols
def test_output_status_and_close_reach_the_client(subprotocol):
    core = server(subprotocol)
    client = RemoteCommandClient(subprotocol, ALL)

    core.start()
    core.send_stdout(b"out")
    core.send_stderr(b"err")
    core.send_result(internal_error("boom"))
    core.close()

    events = client.receive_data(sent(core))
    assert events[:2] == [StdoutReceived(b"out"), StderrReceived(b"err")]
    assert isinstance(events[2], StatusReceived)
    assert b"boom" in events[2].payload
    assert events[3:] == [Closed(1000)]


@subprotocols
def test_only_json_protocols_say_success(subprotocol):
    core = server(subprotocol)

    core.send_result(exited(0))

    assert bool(sent(core)) is SUBPROTOCOLS[subprotocol].json_status


@subprotocols
def test_stdin_and_sizes_reach_the_server(subprotocol):
    core = server(subprotocol, TTY)
    client = RemoteCommandClient(subprotocol, TTY)

    client.send_resize(TerminalSize(80, 24))
    client.send_stdin(b"ls\r")

    assert core.receive_data(sent(client)) == [
        Resized(TerminalSize(80, 24)),
        StdinReceived(b"ls\r"),
    ]


@subprotocols
def test_only_v5_can_end_stdin(subprotocol):
    core = server(subprotocol)
    client = RemoteCommandClient(subprotocol, ALL)

    client.close_stdin()

    ended = [StdinClosed()] if subprotocol == V5 else []
    assert core.receive_data(sent(client)) == ended


def test_the_close_signal_means_nothing_on_v4():
    assert server(V4).receive_data(client_frame(b"\xff\x00")) == []


def test_stdin_ends_once():
    core = server()

    first = core.receive_data(client_frame(b"\xff\x00") * 2)
    then = core.receive_data(client_frame(b"\x00late"))

    assert first == [StdinClosed()]
    assert then == []
    assert core.receive_eof() == [PeerClosed(1006, "unexpected EOF")]


@pytest.mark.parametrize("payload", [b"\xff", b"\xff\x00\x01", b"\xff\x63"])
def test_a_malformed_close_signal_ends_the_session(payload):
    core = server()

    events = core.receive_data(client_frame(payload) + client_frame(b"\x00x"))

    assert [type(event) for event in events] == [StdinClosed, PeerClosed]
    assert sent(core).hex() == "880203e8"
    assert core.closed


def test_ending_a_channel_other_than_stdin_is_accepted_and_means_nothing():
    assert server().receive_data(client_frame(b"\xff\x04")) == []


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x05x", b"\x63x", b"\x01x", b"\x02x", b"\x03x", b"\x00", b"\x04junk"],
    ids=["empty", "5", "99", "stdout", "stderr", "error", "no data", "no tty"],
)
def test_what_a_client_may_not_send_is_ignored(payload):
    core = server()

    assert core.receive_data(client_frame(payload)) == []
    assert sent(core) == b""


def test_stdin_that_was_not_asked_for_is_dropped():
    core = server(options=StreamOptions(stdout=True))

    assert core.receive_data(client_frame(b"\x00x") + client_frame(b"\xff\x00")) == []


def test_text_frames_are_accepted_on_binary_protocols():
    # The python client sends str as text, its channel as chr(0).
    event = server(V4).receive_data(client_frame(b"\x00ls\n", Opcode.TEXT))

    assert event == [StdinReceived(b"ls\n")]


def test_invalid_base64_is_dropped_and_the_session_goes_on():
    data = client_frame(b"0!!!", Opcode.TEXT) + client_frame(b"0bHMK", Opcode.TEXT)

    assert server(V4_BASE64).receive_data(data) == [StdinReceived(b"ls\n")]


def test_each_frame_is_a_message_as_in_the_go_server():
    data = (
        client_frame(b"\x00fr", fin=False)
        + client_frame(b"\x00ag", Opcode.CONTINUATION)
        + client_frame(b"\x00fr", fin=False)
        + client_frame(b"ag", Opcode.CONTINUATION)  # 'a' is no channel
    )

    events = server().receive_data(data)

    assert events == [StdinReceived(b"fr"), StdinReceived(b"ag"), StdinReceived(b"fr")]


def test_a_ping_is_answered_at_once():
    core = server()

    events = core.receive_data(client_frame(b"hello", Opcode.PING))

    assert events == [PingReceived(b"hello")]
    assert sent(core) == encode_frame(Opcode.PONG, b"hello")


def test_an_unmasked_frame_gets_1002_then_1000():
    core = server()

    events = core.receive_data(b"\x82\x03\x00ls")

    assert events == [StdinClosed(), PeerClosed(1002, "bad MASK")]
    assert sent(core).hex() == "880203ea" + "880203e8"


def test_messages_before_a_bad_frame_count():
    events = server().receive_data(client_frame(b"\x00x") + b"\x82\x01x")

    assert events[0] == StdinReceived(b"x")


def test_a_message_of_more_than_32_mib_ends_the_session():
    core = server()

    events = core.receive_data(b"\x82\xff" + (33 << 20).to_bytes(8, "big") + MASK)

    assert isinstance(events[-1], PeerClosed)
    assert sent(core).hex() == "880203e8"


def test_a_close_frame_ends_everything_at_once():
    core = server()
    close = client_frame(close_payload(1001, "bye"), Opcode.CLOSE)

    events = core.receive_data(close + client_frame(b"\x00late"))

    assert events == [StdinClosed(), PeerClosed(1001, "bye")]
    assert sent(core).hex() == "880203e8"
    assert core.receive_data(client_frame(b"\x00later")) == []
    assert core.receive_eof() == []


def test_a_vanished_client_ends_stdin():
    assert server().receive_eof() == [StdinClosed(), PeerClosed(1006, "unexpected EOF")]


def test_output_that_was_not_asked_for_is_not_sent():
    core = server(options=StreamOptions(stdin=True))

    core.send_stdout(b"x")
    core.send_stderr(b"x")

    assert sent(core) == b""


def test_a_tty_has_no_stderr():
    core = server(options=StreamOptions(stdout=True, stderr=True, tty=True))

    core.send_stderr(b"x")

    assert sent(core) == b""


def test_large_output_goes_in_messages_of_32_kib():
    core = server()
    client = RemoteCommandClient(V5, ALL)

    core.send_stdout(bytes(100_000))
    events = client.receive_data(sent(core))

    assert [len(event.data) for event in events] == [32768, 32768, 32768, 1696]


def test_closing_twice_sends_one_close_frame():
    core = server()

    core.close()
    core.close()

    assert sent(core).hex() == "880203e8"


def test_a_client_joins_the_fragments_of_a_message():
    client = RemoteCommandClient(V5, ALL)
    data = (
        server_frame(b"\x01ab", fin=False)
        + server_frame(b"", Opcode.PING)
        + server_frame(b"cd", Opcode.CONTINUATION, fin=False)
        + server_frame(b"ef", Opcode.CONTINUATION)
        + server_frame(b"\x02gh")
    )

    events = client.receive_data(data)

    assert events == [
        StdoutReceived(b"ab"),
        PingReceived(b""),
        StdoutReceived(b"cd"),
        StdoutReceived(b"ef"),
        StderrReceived(b"gh"),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (server_frame(b"\x01x", Opcode.TEXT), "unexpected message type: 1"),
        (server_frame(b"x", Opcode.CONTINUATION), "continuation after FIN"),
        (server_frame(b"\x01x", fin=False) + server_frame(b"\x01y"), "data before FIN"),
        (client_frame(b"\x01x"), "bad MASK"),
        (b"\xc2\x00", "RSV bits set"),
    ],
)
def test_a_client_ends_on_what_gorilla_refuses(data, reason):
    client = RemoteCommandClient(V5, ALL)

    events = client.receive_data(data)

    assert events[-1] == Closed(1002, reason)
    assert client.closed


def test_a_client_skips_unknown_channels_and_empty_messages():
    client = RemoteCommandClient(V5, ALL)

    data = server_frame(b"\x07x") + server_frame(b"\x01") + server_frame(b"")

    assert client.receive_data(data) == []


@pytest.mark.parametrize(
    ("data", "closed"),
    [
        (server_frame(close_payload(1000), Opcode.CLOSE), Closed(1000)),
        (server_frame(close_payload(1011, "bye"), Opcode.CLOSE), Closed(1011, "bye")),
        (server_frame(b"", Opcode.CLOSE), Closed(1005)),
    ],
)
def test_a_close_frame_is_answered_and_reported(data, closed):
    client = RemoteCommandClient(V5, ALL)

    assert client.receive_data(data) == [closed]
    assert client.receive_eof() == []
    assert sent(client)[0] == 0x88


def test_a_cut_connection_is_1006():
    client = RemoteCommandClient(V5, ALL)

    assert client.receive_eof() == [Closed(1006, "unexpected EOF")]


def test_a_pong_is_reported_because_it_extends_the_deadline():
    client = RemoteCommandClient(V5, ALL)
    core = server()

    client.ping()
    core.receive_data(sent(client))

    assert client.receive_data(sent(core)) == [PongReceived(b"")]


def test_a_client_sends_nothing_after_the_end():
    client = RemoteCommandClient(V5, TTY)
    client.receive_data(server_frame(close_payload(1000), Opcode.CLOSE))
    sent(client)

    client.send_stdin(b"x")
    client.send_resize(TerminalSize(1, 1))
    client.ping()
    client.close_stdin()

    assert sent(client) == b""


def test_a_client_masks_each_frame_with_a_fresh_mask():
    client = RemoteCommandClient(V5, ALL)

    client.send_stdin(b"same")
    client.send_stdin(b"same")

    first, second = client.data_to_send()
    assert first[2:6] != second[2:6]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("stdin"), st.binary(max_size=40)),
        st.tuples(st.just("stdout"), st.binary(max_size=40)),
        st.tuples(st.just("stderr"), st.binary(max_size=40)),
        st.tuples(st.just("ping"), st.binary(max_size=5)),
    ),
    max_size=12,
)


@given(steps, st.sampled_from(list(SUBPROTOCOLS)), st.integers(0, 255), cut_lists(600))
def test_client_and_server_understand_each_other(steps, subprotocol, code, cuts):
    core, client = server(subprotocol), RemoteCommandClient(subprotocol, ALL)
    core.start()
    actions = {
        "stdin": client.send_stdin,
        "stdout": core.send_stdout,
        "stderr": core.send_stderr,
        "ping": client.ping,
    }
    for name, data in steps:
        actions[name](data)
    up = [e for piece in pieces(sent(client), cuts) for e in core.receive_data(piece)]
    core.send_result(exited(code))
    core.close()
    down = [e for piece in pieces(sent(core), cuts) for e in client.receive_data(piece)]

    def told(events, kind, field="data"):
        return b"".join(getattr(e, field) for e in events if isinstance(e, kind))

    def meant(name):
        return b"".join(data for kind, data in steps if kind == name)

    assert told(up, StdinReceived) == meant("stdin")
    assert told(up, PingReceived, "payload") == meant("ping")
    assert told(down, StdoutReceived) == meant("stdout")
    assert told(down, StderrReceived) == meant("stderr")
    assert told(down, PongReceived, "payload") == meant("ping")
    if SUBPROTOCOLS[subprotocol].json_status:
        assert decode(told(down, StatusReceived, "payload")).code == code
    assert down[-1] == Closed(1000)


@given(st.binary(max_size=400), cut_lists(400), st.sampled_from(list(SUBPROTOCOLS)))
def test_any_bytes_leave_both_sides_without_an_exception(data, cuts, subprotocol):
    for core in (server(subprotocol, TTY), RemoteCommandClient(subprotocol, TTY)):
        for piece in pieces(data, cuts):
            core.receive_data(piece)
        core.receive_eof()
        core.data_to_send()


@given(
    st.lists(st.binary(max_size=30), max_size=8),
    st.lists(st.sampled_from(list(Opcode)), min_size=8, max_size=8),
    cut_lists(400),
)
def test_any_split_of_frames_gives_a_server_the_same_events(payloads, opcodes, cuts):
    wire = b"".join(
        client_frame(payload, opcode)
        for payload, opcode in zip(payloads, opcodes, strict=False)
    )
    whole, split = server(V5, TTY), server(V5, TTY)

    expected = whole.receive_data(wire)
    got = list(
        itertools.chain.from_iterable(map(split.receive_data, pieces(wire, cuts)))
    )

    assert got == expected
    assert sent(split) == sent(whole)
