"""After many sessions of all kinds nothing of them is left, in the runtime or in the shim."""

import asyncio
import os
import random

import psutil
import pytest

from hops.tasks import running

from .conftest import descriptors, until


async def quick(node, container, _random):
    await (await node.exec(container, "true")).finish()


async def failing(node, container, _random):
    await (await node.exec(container, "nope")).finish()


async def on_a_terminal(node, container, _random):
    stream = await node.exec(container, "cat", stdin=True, stdout=True, tty=True)
    await stream.stdin(b"x\n", end=True)
    await stream.finish()


async def left_alone(node, container, chance):
    stream = await node.exec(container, "cat", stdin=True, stdout=True)
    await stream.stdin(b"x" * chance.randrange(100_000))
    stream.close()


async def left_in_the_middle_of_output(node, container, _random):
    stream = await node.exec(container, "seq", "1", "100000", stdout=True)
    await stream.receive()
    stream.close()


async def attached(node, container, _random):
    stream = await node.attach(container, stdin=True, stdout=True, stderr=True)
    stream.close()


async def never_fetched(node, container, _random):
    await node.exec_url(container, "true", stdout=True)


async def synchronous(node, container, _random):
    await node.sync(container, "sh", "-c", "echo out; echo err >&2")


KINDS = [
    quick,
    failing,
    on_a_terminal,
    left_alone,
    left_in_the_middle_of_output,
    attached,
    never_fetched,
    synchronous,
]


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_is_left_of_many_sessions(node, seed):
    chance = random.Random(seed)
    container = await node.run(
        "sh", "-c", "while read x; do :; done; sleep 1000", stdin=True
    )
    shim = psutil.Process(node.runtime_process.sandboxes.all()[0].shim_pid)
    ours = descriptors()
    theirs = shim.num_fds()

    async def worker():
        for _ in range(25):
            await chance.choice(KINDS)(node, container, chance)

    await asyncio.gather(*[worker() for _ in range(4)])

    await until(lambda: len(shim.children()) == 1)
    await until(lambda: shim.num_fds() == theirs)
    await until(lambda: descriptors() == ours)
    await until(
        lambda: not [name for name in running() if name.startswith(("exec", "attach"))]
    )
    assert node.runtime_process.execs.running == 0
    assert len(os.listdir(f"/proc/{os.getpid()}/task")) < 100
