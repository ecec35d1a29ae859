"""SPDY inside WebSocket: messages cut anywhere, and sessions through them."""

import pytest

from tests.unit.wire.spdy import vectors
from tests.unit.wire.spdy.script import transfer
from wire.portforward import (
    TUNNEL_SUBPROTOCOL,
    Closed,
    DataReceived,
    ForwardClosed,
    ForwardOpened,
    PortForwardClient,
    PortForwardServer,
    Role,
    Tunnel,
    Tunnelled,
    is_tunnel_request,
    tunnelled_protocols,
)
from wire.portforward_tunnel import TunnelClosed, TunnelData
from wire.websocket import FrameDecoder, Opcode, close_payload, encode_frame

MASK = bytes.fromhex("37fa213d")


def masked(payload, opcode=Opcode.BINARY, fin=True):
    return encode_frame(opcode, payload, mask=MASK, fin=fin)


def session():
    return Tunnelled(PortForwardServer(), Tunnel(Role.SERVER))


@pytest.mark.parametrize("vector", vectors.load("port-forward-*"), ids=str)
def test_messages_of_real_kubectl_are_read_empty_ones_too(vector):
    direct, tunnelled = PortForwardServer(), session()
    assert vector.subprotocol == TUNNEL_SUBPROTOCOL
    messages = vector.of("client")
    assert b"" in messages

    events = tunnelled.receive_data(b"".join(map(masked, messages)))

    assert events == direct.receive_data(b"".join(messages))
    assert isinstance(events[0], ForwardOpened)


def test_a_session_passes_through():
    client = Tunnelled(PortForwardClient(ping_period=10.0), Tunnel(Role.CLIENT))
    server = session()
    forward = client.session.open(80)
    assert transfer(client, server) == [ForwardOpened(forward, 80, "0")]
    assert transfer(server, client) == [ForwardOpened(forward, 80, "0")]

    payload = bytes(range(256)) * 4096
    server.session.send_data(forward, payload)
    received = transfer(server, client)
    assert b"".join(event.data for event in received) == payload
    client.session.send_data(forward, payload)
    received = transfer(client, server)
    assert b"".join(event.data for event in received) == payload

    assert client.deadline() == 10.0
    assert client.expire(10.0) == []


def test_a_session_that_closes_says_so_in_both_layers():
    client = Tunnelled(PortForwardClient(), Tunnel(Role.CLIENT))
    server = session()
    forward = client.session.open(80)
    transfer(client, server)
    client.session.close()

    assert transfer(client, server)[-2:] == [ForwardClosed(forward), Closed("GOAWAY")]
    assert server.closed
    [frame] = FrameDecoder(False).receive_data(b"".join(server.data_to_send()))[-1:]
    assert (frame.opcode, frame.payload) == (Opcode.CLOSE, close_payload(1000))


def test_a_close_frame_alone_ends_the_session():
    server = session()

    events = server.receive_data(masked(close_payload(1000), Opcode.CLOSE))

    assert events == [Closed("end of connection")]


def test_a_cut_connection_ends_the_session():
    assert session().receive_eof() == [Closed("end of connection")]


def test_fragments_of_a_message_are_joined():
    tunnel = Tunnel(Role.SERVER)

    events = tunnel.receive_data(
        masked(b"ab", fin=False)
        + masked(b"c", Opcode.CONTINUATION, fin=False)
        + masked(b"", Opcode.PING)
        + masked(b"d", Opcode.CONTINUATION)
        + masked(b"e")
    )

    assert events == [TunnelData(data) for data in (b"ab", b"c", b"d", b"e")]
    assert b"".join(tunnel.data_to_send()) == encode_frame(Opcode.PONG, b"")


@pytest.mark.parametrize(
    ("bad", "closed"),
    [
        (
            masked(b"x", Opcode.TEXT),
            TunnelClosed(1002, "invalid message type received"),
        ),
        (
            masked(b"x", Opcode.CONTINUATION),
            TunnelClosed(1002, "continuation after FIN"),
        ),
        (
            masked(b"x", fin=False) + masked(b"y"),
            TunnelClosed(1002, "data before FIN"),
        ),
        (encode_frame(Opcode.BINARY, b"x"), TunnelClosed(1002, "bad MASK")),
    ],
    ids=["text", "continuation", "interrupted", "unmasked"],
)
def test_bad_messages_end_the_tunnel_after_what_came_before(bad, closed):
    tunnel = Tunnel(Role.SERVER)

    events = tunnel.receive_data(masked(b"good") + bad)

    assert events[0] == TunnelData(b"good")
    assert events[-1] == closed
    assert tunnel.closed
    assert tunnel.receive_data(b"more") == []


def test_a_message_beyond_the_limit_is_refused_by_its_head():
    tunnel = Tunnel(Role.SERVER)

    [closed] = tunnel.receive_data(masked(bytes(2_000_000))[:14])

    assert closed.code == 1009


def test_a_server_does_not_copy_what_it_tunnels():
    tunnel = Tunnel(Role.SERVER)
    payload = bytes(10_000)

    tunnel.send([b"head", payload])

    header, head, body = tunnel.data_to_send()
    assert (header, head) == (bytes.fromhex("827e2714"), b"head")
    assert body is payload


def test_data_after_a_close_frame_is_dropped():
    tunnel = Tunnel(Role.SERVER)
    tunnel.close()
    tunnel.send([b"late"])

    assert b"".join(tunnel.data_to_send()) == encode_frame(
        Opcode.CLOSE, close_payload(1000)
    )


@pytest.mark.parametrize(
    ("line", "protocols"),
    [
        ("SPDY/3.1+portforward.k8s.io", ["portforward.k8s.io"]),
        (
            "v4.channel.k8s.io, SPDY/3.1+v9.portforward.k8s.io",
            ["v9.portforward.k8s.io"],
        ),
        ("v4.channel.k8s.io", []),
        ("SPDY/3.1+portforward.example", []),
        ("", []),
    ],
)
def test_what_is_tunnelled_stands_in_the_first_line_of_the_offer(line, protocols):
    headers = [
        ("Sec-WebSocket-Protocol", line),
        ("Sec-WebSocket-Protocol", TUNNEL_SUBPROTOCOL),
    ]

    assert tunnelled_protocols(headers) == protocols
    assert is_tunnel_request(headers) == bool(protocols)


def test_a_large_transfer_reaches_the_client_in_order():
    client = Tunnelled(PortForwardClient(), Tunnel(Role.CLIENT))
    server = session()
    forward = client.session.open(80)
    transfer(client, server)
    transfer(server, client)

    for number in range(100):
        server.session.send_data(forward, b"%05d" % number)
    events = transfer(server, client)

    assert events == [DataReceived(forward, b"%05d" % number) for number in range(100)]
