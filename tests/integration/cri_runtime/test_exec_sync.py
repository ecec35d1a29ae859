"""ExecSync: what probes use."""

import grpc
import pytest
from grpc.aio import AioRpcError

from .conftest import all_gone


@pytest.fixture
async def container(node):
    return await node.run("sleep", "1000")


async def test_output_and_exit_code_come_back(node, container):
    answer = await node.sync(container, "sh", "-c", "echo out; echo err >&2; exit 3")

    assert (answer.stdout, answer.stderr, answer.exit_code) == (b"out\n", b"err\n", 3)


async def test_stdin_is_empty(node, container):
    assert (await node.sync(container, "cat")).stdout == b""


async def test_a_command_that_takes_too_long_is_killed_with_all_below_it(
    node, container
):
    with pytest.raises(AioRpcError) as caught:
        await node.sync(
            container,
            "sh",
            "-c",
            "echo $$ > pids; sleep 1000 & echo $! >> pids; wait",
            seconds=1,
        )

    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert caught.value.details() == (
        "failed to exec in container: timeout 1s exceeded: context deadline exceeded"
    )
    pids = (await node.sync(container, "cat", "pids")).stdout.split()
    assert len(pids) == 2
    await all_gone(map(int, pids))


async def test_the_output_of_children_that_keep_the_pipe_is_awaited(node, container):
    answer = await node.sync(
        container, "sh", "-c", "(sleep 0.2; echo late) & echo early"
    )

    assert answer.stdout == b"early\nlate\n"


async def test_each_stream_is_cut_at_16_mib(node, container):
    from cri_runtime import exec_sync

    containers = node.runtime_process.containers
    command = ["sh", "-c", "head -c 20000000 /dev/zero; echo end >&2"]

    result = await exec_sync.run(
        node.runtime_process.execs, containers.get(container), command, 0
    )

    assert len(result.stdout) == 16 * 1024 * 1024
    assert result.stderr == b"end\n"


async def test_a_missing_executable_is_an_error(node, container):
    with pytest.raises(AioRpcError) as caught:
        await node.sync(container, "nope")

    assert caught.value.code() == grpc.StatusCode.UNKNOWN
    assert caught.value.details().startswith(
        "failed to exec in container: failed to start exec "
    )


async def test_an_exited_container_runs_nothing(node):
    container = await node.run("true")
    await node.exited(container)

    with pytest.raises(AioRpcError) as caught:
        await node.sync(container, "true")

    assert caught.value.details() == (
        "failed to exec in container: container is in CONTAINER_EXITED state"
    )


async def test_a_thousand_bytes_of_arguments_and_many_variables_arrive(node):
    from rpc import cri_v1_pb2 as cri

    envs = [cri.KeyValue(key=f"V{i}", value=b"x" * 1000) for i in range(500)]
    container = await node.run("sleep", "1000", envs=envs)
    long = "y" * 100_000

    answer = await node.sync(container, "sh", "-c", 'echo "$V499 $1"', "sh", long)

    assert answer.stdout.decode() == f"{'x' * 1000} {long}\n"
