"""Sessions of every kind, one after another, some cut at a random moment."""

from __future__ import annotations

import random
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from bench.exec_client import ExecClient, new_key, upgrade
from bench.forward_client import Forwarding
from hops.blocking.client import BlockingClient
from tests.support.exec_client import admin_tls, server_url
from wire.spdy_negotiation import spdy_handshake
from wire.websocket import client_handshake

if TYPE_CHECKING:
    from collections.abc import Callable

    from hops.blocking.connection import BlockingConnection
    from wire.http1 import Headers

__all__ = ["ECHO", "PORT", "SessionMix"]

PORT = 7000
#: What the pod of the sessions runs: it echoes what comes to its port, and talks.
ECHO = (
    "python3",
    "-c",
    """
import os, socket, threading, time
def serve(s):
    with s:
        while data := s.recv(65536):
            s.sendall(data)
def listen():
    listener = socket.create_server((os.environ["MINI_KUBE_POD_IP"], 7000))
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
threading.Thread(target=listen, daemon=True).start()
while True:
    print("tick", flush=True)
    time.sleep(0.2)
""",
)


class SessionMix:
    """Runs sessions in a pod that runs ECHO; each is decided by its number."""

    def __init__(self, cluster, pod: str) -> None:
        self._server, self._tls = server_url(cluster), admin_tls(cluster)
        self._pod = pod
        self._path = f"/api/v1/namespaces/default/pods/{pod}"
        self._clients = {
            spdy: ExecClient(self._server, self._tls, pod, spdy=spdy)
            for spdy in (False, True)
        }

    def run(self, number: int) -> str:
        """One session; the name of its kind."""
        chance = random.Random(number)
        kind = chance.choice(_KINDS)
        kind(self, chance)
        return kind.__name__

    # Kinds

    def quick(self, chance: random.Random) -> None:
        assert self._exec(chance).run("true") == 0

    def failing(self, chance: random.Random) -> None:
        assert self._exec(chance).run("sh", "-c", "exit 7") == 7

    def not_started(self, chance: random.Random) -> None:
        self._exec(chance).run("no-such-command")

    def refused(self, chance: random.Random) -> None:
        client = ExecClient(
            self._server, self._tls, f"{self._pod}-x", spdy=chance.random() < 0.5
        )
        with client, pytest.raises(RuntimeError, match="not found"):
            client.run("true")

    def talking(self, chance: random.Random) -> None:
        data = chance.randbytes(chance.randrange(200_000))
        session = self._exec(chance).open("cat", stdin=True)
        session.send(data)
        session.end_input()
        assert b"".join(session.output()) == data

    def left_while_it_talks(self, chance: random.Random) -> None:
        session = self._exec(chance).open("seq", "1", str(chance.randrange(200_000)))
        output = session.output()
        for _ in range(chance.randrange(4)):
            next(output, b"")
        self._leave(session, chance)

    def left_while_it_listens(self, chance: random.Random) -> None:
        # It reads the end of its input, and ends.
        session = self._exec(chance).open("cat", stdin=True)
        session.send(b"x" * chance.randrange(100_000))
        self._leave(session, chance)

    def left_on_a_terminal(self, chance: random.Random) -> None:
        # A terminal has no end: what reads from it would stay, as with the real ones.
        session = self._exec(chance).open("sleep", "0.1", stdin=True, tty=True)
        session.send(b"x" * chance.randrange(1000))
        self._leave(session, chance)

    def attached(self, chance: random.Random) -> None:
        headers = client_handshake(new_key(), ["v4.channel.k8s.io"])
        connection = self._attach("GET", headers)
        if chance.random() < 0.7:
            connection.receive()
        self._leave(connection, chance)

    def streams_not_opened(self, chance: random.Random) -> None:
        headers = spdy_handshake(["v4.channel.k8s.io"])
        self._leave(self._attach("POST", headers), chance)

    def forwarded(self, chance: random.Random) -> None:
        data = chance.randbytes(chance.randrange(1, 100_000))
        with self._forwarding(chance) as forwarding:
            forwarding.send(data)
            forwarding.finish()
            assert b"".join(forwarding.receive()) == data

    def forwarding_left(self, chance: random.Random) -> None:
        forwarding = self._forwarding(chance)
        forwarding.send(chance.randbytes(chance.randrange(1, 300_000)))
        if chance.random() < 0.5:
            next(forwarding.receive())
        self._leave(forwarding, chance)

    def nobody_listens(self, chance: random.Random) -> None:
        # The data ends, then comes the text, then a reset: one of them is seen.
        with self._forwarding(chance, port=1) as forwarding, suppress(RuntimeError):
            assert list(forwarding.receive()) == []

    def log_left(self, chance: random.Random) -> None:
        follow = "true" if chance.random() < 0.7 else "false"
        target = f"{self._path}/log?follow={follow}&tailLines=5"
        self._stream(target, pieces=chance.randrange(3))

    def watch_left(self, chance: random.Random) -> None:
        target = "/api/v1/namespaces/default/pods?watch=true"
        self._stream(target, pieces=chance.randrange(2))

    def half_a_request(self, chance: random.Random) -> None:
        connection = self._client().open(None)
        connection.send_all(
            b"GET /api/v1/namespaces HTTP/1.1\r\nHost: x"[: chance.randrange(45)]
        )
        self._leave(connection, chance)

    # What they are made of

    def _client(self) -> BlockingClient:
        return BlockingClient(self._server, tls=self._tls, timeout=60)

    def _exec(self, chance: random.Random) -> ExecClient:
        return self._clients[chance.random() < 0.4]

    def _forwarding(self, chance: random.Random, port: int = PORT) -> Forwarding:
        spdy = chance.random() < 0.5
        return Forwarding(self._server, self._tls, self._pod, port, spdy=spdy)

    def _attach(self, method: str, headers: Headers) -> BlockingConnection:
        target = f"{self._path}/attach?stdout=true"
        return upgrade(self._client(), method, target, headers).connection

    def _stream(self, target: str, *, pieces: int) -> None:
        """Read a stream a little, and leave."""
        client = self._client()
        with client.stream("GET", target) as answer:
            assert answer.status == 200
            chunks = answer.chunks()
            for _ in range(pieces):
                next(chunks, b"")
        client.close()

    def _leave(self, session, chance: random.Random) -> None:
        """Go: with an end, or with a reset as a client that was killed may."""
        connection = getattr(session, "_connection", session)
        if chance.random() < 0.5 and connection.fileno() >= 0:
            linger = struct.pack("ii", 1, 0)
            with socket.socket(fileno=connection.fileno()) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                sock.detach()
        connection.close()


_KINDS: list[Callable[[SessionMix, random.Random], None]] = [
    SessionMix.quick,
    SessionMix.failing,
    SessionMix.not_started,
    SessionMix.refused,
    SessionMix.talking,
    SessionMix.left_while_it_talks,
    SessionMix.left_while_it_listens,
    SessionMix.left_on_a_terminal,
    SessionMix.attached,
    SessionMix.streams_not_opened,
    SessionMix.forwarded,
    SessionMix.forwarding_left,
    SessionMix.nobody_listens,
    SessionMix.log_left,
    SessionMix.watch_left,
    SessionMix.half_a_request,
]
