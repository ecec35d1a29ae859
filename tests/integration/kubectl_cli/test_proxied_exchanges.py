"""One proxied request between two connections: what each side gets."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import pytest

from hops.blocking.connection import BlockingConnection
from kubectl_cli.proxying.exchange import ClientLeftError, Exchange
from wire.http1 import HeadReader

_PATIENCE = 20


def connected():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        return near, listener.accept()[0]


@contextmanager
def proxied(request: bytes):
    """The ends of client and server, and the exchange that runs between them."""
    client, local = socket.socketpair()
    upstream, server = connected()
    reader = HeadReader("request")
    head = reader.receive_data(request)
    exchange = Exchange(local, BlockingConnection(upstream), head, reader.leftover)
    ended = []

    def run():
        try:
            exchange.run("/asked", [("Host", "server"), ("Authorization", "Bearer t")])
        except ClientLeftError as error:
            ended.append(error)
        local.close()
        upstream.close()

    thread = threading.Thread(target=run)
    thread.start()
    for end in (client, server):
        end.settimeout(_PATIENCE)
    with client, server:
        yield client, server, exchange
        for end in (client, server):
            end.close()
        thread.join(_PATIENCE)
    assert not thread.is_alive()


def read(stream, length):
    data = b""
    while len(data) < length and (piece := stream.recv(length - len(data))):
        data += piece
    return data


def everything(stream):
    return read(stream, 1 << 20)


def test_a_request_goes_out_with_the_users_credentials():
    request = b"GET /x HTTP/1.1\r\nHost: here\r\nConnection: Keep-Alive\r\nA: b\r\n\r\n"
    with proxied(request) as (client, server, exchange):
        asked = (
            b"GET /asked HTTP/1.1\r\nA: b\r\nHost: server\r\nAuthorization: Bearer t"
        )
        assert read(server, len(asked) + 4) == asked + b"\r\n\r\n"
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
        server.sendall(answer)
        assert everything(client) == answer
        assert (exchange.keeps_local, exchange.keeps_upstream) == (True, True)


def test_ones_own_credentials_are_passed_on():
    request = b"GET /x HTTP/1.1\r\nHost: here\r\nauthorization: mine\r\n\r\n"
    with proxied(request) as (_, server, _):
        asked = b"GET /asked HTTP/1.1\r\nauthorization: mine\r\nHost: server\r\n\r\n"
        assert read(server, len(asked)) == asked


def test_bodies_in_chunks_stay_in_chunks():
    request = (
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"
    )
    with proxied(request) as (client, server, _):
        client.sendall(b"0\r\n\r\n")
        asked = b""
        while not asked.endswith(b"2\r\nhi\r\n0\r\n\r\n"):
            asked += server.recv(4096)
        chunked = b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        server.sendall(b"HTTP/1.1 200 OK\r\n" + chunked)
        assert everything(client).endswith(chunked)


def test_an_upgrade_becomes_a_tunnel():
    request = (
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"
    )
    with proxied(request + b"early") as (client, server, _):
        asked = b""
        while not asked.endswith(b"\r\n\r\n"):
            asked += server.recv(1)
        assert b"Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n" in asked
        accepted = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\n\r\n"
        server.sendall(accepted + b"down")
        assert read(client, len(accepted) + 4) == accepted + b"down"
        client.sendall(b" and up")
        assert read(server, 12) == b"early and up"


def test_a_client_that_leaves_ends_its_watch():
    with proxied(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n") as (client, server, _):
        server.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert client.recv(4096)
        client.close()
        assert everything(server).endswith(b"\r\n\r\n")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_body_without_length_ends_as_the_client_can_read_it(version):
    request = f"GET / HTTP/{version}\r\nHost: h\r\n\r\n".encode()
    with proxied(request) as (client, server, exchange):
        server.sendall(b"HTTP/1.1 200 OK\r\n\r\nabc")
        server.shutdown(socket.SHUT_WR)
        end = b"abc" if version == "1.0" else b"3\r\nabc\r\n0\r\n\r\n"
        assert everything(client).endswith(end)
        assert exchange.keeps_local == (version == "1.1")
