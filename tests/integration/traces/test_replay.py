"""A recorded session played as the client against the same session played as the server."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from hops.dial import ConnectError
from tests.unit.traces.exec_session import exec_trace
from traces.recording import recorded
from traces.replay import play_client
from traces.replay_server import ReplayServer

HOP = "kubectl-apiserver"
PATIENCE = 0.2  # seconds; what is waited for in vain costs this much


def recording(**changes):
    return recorded(exec_trace(**changes).events, HOP)


@asynccontextmanager
async def serving(connections, **options):
    server = ReplayServer(connections, patience=PATIENCE, **options)
    listener = await server.start(("127.0.0.1", 0))
    try:
        yield server, listener.address
    finally:
        await server.close()


@pytest.mark.parametrize("pace", ["fast", "real"])
async def test_both_sides_of_a_recording_agree(pace):
    async with serving(recording(), pace=pace) as (server, address):
        played = await play_client(recording(), address, pace=pace, patience=PATIENCE)

    assert played.equal, played.text()
    assert server.result().equal, server.result().text()


async def test_another_answer_is_told():
    async with serving(recording(output=b"ho\n")) as (_, address):
        played = await play_client(recording(), address, patience=PATIENCE)

    (difference,) = played.comparison.differences
    assert difference.what == "stdout"
    assert '"ho\\n"' in difference.right


async def test_a_shorter_answer_is_waited_for_and_told():
    async with serving(recording(output=b"h")) as (_, address):
        played = await play_client(recording(), address, patience=PATIENCE)

    assert not played.equal
    assert "bytes fewer than recorded" in played.notes[0]


async def test_a_request_that_was_not_recorded_gets_404_and_a_note():
    from tests.unit.traces.test_diff_and_recording import GET, OK, chunks

    strange = chunks(("up", GET), ("down", OK))
    async with serving(recording()) as (server, address):
        played = await play_client([strange], address, patience=PATIENCE)

    assert server.notes == ["not in the recording: GET /a"]
    (difference, *_) = played.comparison.differences
    assert (difference.left, difference.right) == ("200 OK", "404 Not Found")


async def test_nobody_there_is_an_error():
    async with serving(recording()) as (_, address):
        pass

    with pytest.raises((ConnectError, ExceptionGroup)):
        await play_client(recording(), address, patience=PATIENCE)
