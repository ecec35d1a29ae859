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
    listener = await listen(hops, HOP, ("127.0.0.1", 0), _Answering)
    reader, writer = await asyncio.open_connection(*listener.address)

    writer.write(b"hello")
    got = await reader.read()

    writer.close()
    listener.close()
    assert (_Answering.heard, got) == (heard, received)
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []
