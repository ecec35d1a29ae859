import asyncio
import os

import pytest

from hops.splice import SpliceCounts, splice
from hops.tasks import spawn
from tests.integration.hops.conftest import read_all, until

pytestmark = pytest.mark.usefixtures("bare_or_traced")

BLOB = os.urandom(2_000_000)


@pytest.fixture
async def chain(connect, both_tls):
    """client -> (a, b spliced) -> server; `counts` is the task of the splice."""
    client, a = await connect(*both_tls)
    b, server = await connect(*both_tls)
    return client, a, b, server


async def test_bytes_go_both_ways_until_one_side_ends(chain):
    client, a, b, server = chain
    task = spawn("splice", splice(a, b))

    async def send(connection):
        connection.write(BLOB)
        await connection.drain()

    async def take(connection):
        received = b""
        while len(received) < len(BLOB):
            received += await connection.read()
        return received

    async with asyncio.TaskGroup() as group:
        group.create_task(send(client))
        group.create_task(send(server))
        up = group.create_task(take(server))
        down = group.create_task(take(client))
    assert up.result() == BLOB
    assert down.result() == BLOB

    client.close()
    assert await read_all(server) == b""
    server.close()
    assert await task == SpliceCounts(len(BLOB), len(BLOB))


async def test_what_was_sent_before_the_end_is_delivered(chain):
    client, a, b, server = chain
    spawn("splice", splice(a, b))

    server.write(BLOB)
    server.close()

    assert await read_all(client) == BLOB
    client.close()


async def test_a_slow_reader_loses_nothing(chain):
    client, a, b, server = chain
    client.transport.pause_reading()
    spawn("splice", splice(a, b))

    server.write(BLOB * 4)
    server.close()
    await until(lambda: a.transport.get_write_buffer_size() > 1000)
    client.transport.resume_reading()

    assert await read_all(client) == BLOB * 4
    client.close()


async def test_the_end_of_one_side_ends_the_other_direction_too(chain):
    client, a, b, server = chain
    spawn("splice", splice(a, b))

    client.write(b"bye")
    client.write_eof()  # half-closed, but the splice closes both

    assert await read_all(server) == b"bye"
    assert await read_all(client) == b""
    client.close()
    server.close()


async def test_what_was_received_before_the_splice_comes_first(chain):
    client, a, b, server = chain
    a.unread(b"left over ")
    client.write(b"and more")
    await until(lambda: len(a._chunks) > 1)

    spawn("splice", splice(a, b))
    client.close()

    assert await read_all(server) == b"left over and more"
    server.close()


async def test_a_side_that_ended_before_the_splice_ends_it(chain):
    client, a, b, server = chain
    client.write(b"last words")
    client.close()
    await until(lambda: a.at_eof)

    counts = await splice(a, b)

    assert counts.a_to_b == len(b"last words")
    assert await read_all(server) == b"last words"
    server.close()


async def test_a_cut_ends_the_other_side(chain):
    client, a, b, server = chain
    task = spawn("splice", splice(a, b))

    client.abort()

    assert await read_all(server) == b""
    server.close()
    await task


async def test_silence_in_both_directions_ends_it(chain):
    client, a, b, server = chain

    await splice(a, b, idle_timeout=0.01)

    assert await read_all(client) == b""
    assert await read_all(server) == b""
    client.close()
    server.close()


async def test_cancelling_it_closes_both(chain):
    client, a, b, server = chain
    task = spawn("splice", splice(a, b))
    client.write(b"x")
    assert await server.read() == b"x"

    task.cancel()

    assert await read_all(client) == b""
    assert await read_all(server) == b""
    client.close()
    server.close()


async def test_nothing_is_held_while_it_is_idle(connect, server_tls, client_tls):
    client, a = await connect(server_tls, client_tls)
    b, server = await connect()  # one side plain: it must not see shared buffers
    spawn("splice", splice(a, b))

    for size in (1, 70_000, 300_000):
        client.write(BLOB[:size])
        received = b""
        while len(received) < size:
            received += await server.read()
        assert received == BLOB[:size]
    server.write(BLOB)
    server.close()

    assert await read_all(client) == BLOB
    client.close()
