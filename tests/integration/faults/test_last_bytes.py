"""What passes before a fault ends a connection arrives, whoever closes then."""

from __future__ import annotations

import asyncio
import logging

import pytest

from hops.hop import Hop
from hops.hops import Hops
from hops.listen import listen
from tests.support.fault_rules import rule, set_rules

HOP = Hop.KUBELET_CRI_STREAMING


class _Answering(asyncio.Protocol):
    """Answers in one go, and closes when its peer ends, as asyncio does."""

    heard = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        _Answering.heard = data
        self.transport.write(b"answer to " + data)
        self.transport.write(b", and more")


@pytest.mark.parametrize(
    ("stream", "heard", "received"),
    [("downstream", b"hello", b"ans"), ("upstream", b"hel", b"")],
)
async def test_what_a_limit_lets_pass_arrives(caplog, stream, heard, received):
    hops = Hops("server")
    set_rules(hops, rule("limit_data", HOP, stream=stream, bytes=3))

    got = await _said_to(hops, b"hello")

    assert (_Answering.heard, got) == (heard, received)
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


async def test_an_answer_in_place_of_the_servers_arrives():
    hops = Hops("server")
    set_rules(hops, rule("body_limit", HOP, bytes=10, body="too much"))

    got = await _said_to(
        hops, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"
    )

    assert got.startswith(b"HTTP/1.1 413 ")
    assert got.endswith(b"too much")


async def _said_to(hops, data):
    """All that comes back."""
    listener = await listen(hops, HOP, ("127.0.0.1", 0), _Answering)
    reader, writer = await asyncio.open_connection(*listener.address)
    writer.write(data)
    got = await reader.read()
    writer.close()
    listener.close()
    return got
