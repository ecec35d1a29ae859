"""Port-forward over WebSocket channels: bytes of the server, and both ends together."""

import pytest

from tests.unit.wire.spdy.script import transfer
from wire.errors import RemoteProtocolError
from wire.portforward import (
    PORT_FORWARD_SUBPROTOCOLS,
    Closed,
    DataReceived,
    ErrorText,
    ForwardClosed,
    ForwardOpened,
    PortForwardChannelClient,
    PortForwardChannelServer,
)
from wire.websocket import Opcode, close_payload, encode_frame

MASK = bytes.fromhex("37fa213d")
V4, BASE64 = "v4.channel.k8s.io", "v4.base64.channel.k8s.io"


def written(session):
    return b"".join(session.data_to_send())


def masked(payload, opcode=Opcode.BINARY):
    return encode_frame(opcode, payload, mask=MASK)


@pytest.mark.parametrize(
    ("subprotocol", "expected"),
    [
        (V4, "82 03 00 90 1f 82 03 01 90 1f"),
        ("", "82 03 00 90 1f 82 03 01 90 1f"),
        (BASE64, "81 05 30 6b 42 38 3d 81 05 31 6b 42 38 3d"),
    ],
)
def test_a_server_begins_with_the_port_on_each_channel(subprotocol, expected):
    server = PortForwardChannelServer(subprotocol, [8080])

    assert server.start() == [ForwardOpened(0, 8080)]
    assert written(server) == bytes.fromhex(expected)


def test_each_port_has_its_own_channels_duplicates_too():
    server = PortForwardChannelServer(V4, [18080, 18081, 18080])

    events = server.start()

    assert events == [
        ForwardOpened(0, 18080),
        ForwardOpened(1, 18081),
        ForwardOpened(2, 18080),
    ]
    assert written(server) == bytes.fromhex(
        "820300a046 820301a046 820302a146 820303a146 820304a046 820305a046"
    )


@pytest.fixture
def server():
    server = PortForwardChannelServer(V4, [80, 81])
    server.start()
    server.data_to_send()
    return server


def test_only_data_channels_of_known_ports_are_heard(server):
    messages = (
        b"\x00a",
        b"\x01b",
        b"\x02c",
        b"\x03d",
        b"\x04e",
        b"\xffz",
        b"\x00",
        b"",
    )

    events = server.receive_data(b"".join(map(masked, messages)))

    assert events == [DataReceived(0, b"a"), DataReceived(1, b"c")]


def test_the_opcode_of_a_client_does_not_matter(server):
    assert server.receive_data(masked(b"\x00a", Opcode.TEXT)) == [DataReceived(0, b"a")]


def test_errors_come_on_odd_channels_and_the_close_frame_when_all_have_ended(server):
    server.fail(1, "no")
    assert written(server) == bytes.fromhex("8203 03 6e6f")
    assert not server.closed
    server.send_data(1, b"too late")

    server.end(0)

    assert written(server) == bytes.fromhex("8802 03e8")
    assert server.closed


def test_long_data_comes_in_messages_that_all_clients_take(server):
    server.send_data(0, bytes(100_000))

    sizes = [len(buffer) for buffer in server.data_to_send()[1::2]]
    assert sizes == [32769, 32769, 32769, 1697]


def test_a_close_frame_ends_all_forwards(server):
    events = server.receive_data(
        masked(close_payload(1001, "User closing"), Opcode.CLOSE)
    )

    assert events == [
        ForwardClosed(0),
        ForwardClosed(1),
        Closed("websocket: close 1001: User closing"),
    ]
    assert written(server) == bytes.fromhex("8802 03e8")
    assert server.receive_eof() == []


def test_an_unmasked_frame_ends_the_session(server):
    *_, closed = server.receive_data(encode_frame(Opcode.BINARY, b"\x00a"))

    assert closed == Closed("bad MASK")
    assert server.closed
    assert written(server) == bytes.fromhex("880203ea 880203e8")  # as x/net does


def test_too_large_a_message_ends_the_session_with_the_usual_close(server):
    *_, closed = server.receive_data(b"\x82\xff" + (1 << 40).to_bytes(8, "big"))

    assert closed == Closed(
        "frame of 1099511627776 bytes: at most 33554432 are accepted"
    )
    assert written(server) == bytes.fromhex("880203e8")


@pytest.mark.parametrize(("port", "shown"), [(65616, "5000"), (-1, "ffff")])
def test_a_port_of_more_than_sixteen_bits_is_shown_as_far_as_it_goes(port, shown):
    server = PortForwardChannelServer(V4, [port])

    assert server.start() == [ForwardOpened(0, port)]
    assert written(server) == bytes.fromhex(f"820300{shown} 820301{shown}")


def test_a_ping_is_answered(server):
    server.receive_data(masked(b"hello", Opcode.PING))

    assert written(server) == encode_frame(Opcode.PONG, b"hello")


def test_bad_base64_is_dropped():
    server = PortForwardChannelServer(BASE64, [80])

    assert server.receive_data(masked(b"0!!") + masked(b"0YQ==")) == [
        DataReceived(0, b"a")
    ]


@pytest.mark.parametrize("subprotocol", PORT_FORWARD_SUBPROTOCOLS)
def test_both_ends_understand_each_other(subprotocol):
    ports = list(range(1000, 1127))
    server = PortForwardChannelServer(subprotocol, ports)
    client = PortForwardChannelClient(subprotocol, ports)
    opened = server.start()
    assert transfer(server, client) == opened

    client.send_data(126, b"request")
    assert transfer(client, server) == [DataReceived(126, b"request")]
    server.send_data(126, b"answer")
    server.fail(0, "broken")
    assert transfer(server, client) == [
        DataReceived(126, b"answer"),
        ErrorText(0, "broken"),
    ]
    client.close()
    assert transfer(client, server)[-1] == Closed("websocket: close 1000")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (encode_frame(Opcode.BINARY, b"\x00\x51\x00"), "expected port 80"),
        (encode_frame(Opcode.BINARY, b"\x00"), "expected port 80"),
        (encode_frame(Opcode.BINARY, b"\x02\x50\x00"), "unexpected channel number: 2"),
        (encode_frame(Opcode.TEXT, b"\x00\x50\x00"), "unexpected message type: 1"),
    ],
)
def test_a_client_is_strict(message, text):
    client = PortForwardChannelClient(V4, [80])

    *_, closed = client.receive_data(message)

    assert isinstance(closed, Closed)
    assert text in closed.reason
    assert client.closed


@pytest.mark.parametrize("ports", [[], [80] * 128])
def test_the_number_of_ports_is_limited(ports):
    with pytest.raises(RemoteProtocolError, match="1 to 127 expected"):
        PortForwardChannelServer(V4, ports)
