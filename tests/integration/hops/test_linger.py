"""Closing in stages: the peer gets everything, and nothing is said in the log."""

import asyncio
import socket

import pytest

from hops import linger


@pytest.fixture
def sockets():
    """Two ends of a TCP connection, ours and the peer's, neither of which blocks."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        peer, _ = listener.accept()
    with ours, peer:
        for end in (ours, peer):
            end.setblocking(False)
        yield ours, peer


async def test_a_peer_that_ends_at_the_same_time_is_no_error(sockets, monkeypatch):
    ours, peer = sockets
    loop = asyncio.get_running_loop()
    errors = []
    loop.set_exception_handler(lambda _loop, context: errors.append(context))
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    data = bytes(8 * 1024 * 1024)
    transport.write(data)
    flushed = loop.create_future()
    received = 0
    resume = linger._Linger.resume_writing

    def end_and_resume(self):
        nonlocal received
        received += read_all(peer)
        peer.shutdown(socket.SHUT_WR)
        resume(self)

    monkeypatch.setattr(linger._Linger, "resume_writing", end_and_resume)
    linger.linger(transport, flushed.set_result)
    while not flushed.done():
        received += read_all(peer)
        await asyncio.sleep(0)

    assert await flushed is None
    assert received == len(data)
    assert errors == []


def read_all(peer):
    count = 0
    try:
        while piece := peer.recv(1024 * 1024):
            count += len(piece)
    except BlockingIOError:
        pass
    return count
