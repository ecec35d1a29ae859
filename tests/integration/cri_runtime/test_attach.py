"""attach over WebSocket: the shim's copies of a container's own streams."""

import json

import pytest

from wire.terminal import TerminalSize

from .conftest import until

READER = ("sh", "-c", 'while read line; do echo "got $line"; done; echo end')


async def test_output_since_the_attach_is_copied_and_nothing_before(node):
    container = await node.run(*READER, stdin=True)
    first = await node.attach(container, stdin=True, stdout=True)
    await first.stdin(b"one\n")
    await first.until(b"got one\n")

    second = await node.attach(container, stdin=True, stdout=True)
    await second.stdin(b"two\n")
    await second.until(b"got two\n")

    assert second.stdout == b"got two\n"
    first.close()
    second.close()


async def test_the_session_ends_with_success_when_the_container_ends(node):
    container = await node.run("sh", "-c", "read go; echo bye; exit 3", stdin=True)
    stream = await node.attach(container, stdin=True, stdout=True, stderr=True)

    await stream.stdin(b"go\n")
    outcome = await stream.finish()

    assert outcome.stdout == b"bye\n"
    assert json.loads(outcome.status)["status"] == "Success"
    assert (await node.exited(container)).exit_code == 3


async def test_the_end_of_input_ends_the_containers_own_when_it_is_to_be_used_once(
    node,
):
    container = await node.run(*READER, stdin=True, stdin_once=True)
    stream = await node.attach(container, stdin=True, stdout=True)

    await stream.stdin(b"one\n", end=True)

    assert (await stream.finish()).stdout == b"got one\nend\n"
    assert (await node.exited(container)).exit_code == 0


async def test_the_end_of_input_ends_only_the_session_otherwise(node):
    container = await node.run(*READER, stdin=True)
    stream = await node.attach(container, stdin=True, stdout=True)

    await stream.stdin(b"", end=True)
    await stream.finish()
    other = await node.attach(container, stdin=True, stdout=True)
    await other.stdin(b"still there\n")

    await other.until(b"got still there\n")
    other.close()


async def test_a_client_that_leaves_does_not_end_the_container(node):
    container = await node.run(*READER, stdin=True)
    first = await node.attach(container, stdin=True, stdout=True)
    await first.stdin(b"one\n")
    await first.until(b"got one\n")

    first.close()
    second = await node.attach(container, stdin=True, stdout=True)
    await second.stdin(b"two\n")

    await second.until(b"got two\n")
    second.close()


async def test_a_client_that_leaves_ends_input_that_was_to_be_used_once(node):
    container = await node.run(*READER, stdin=True, stdin_once=True)
    stream = await node.attach(container, stdin=True, stdout=True)
    await stream.stdin(b"one\n")
    await stream.until(b"got one\n")

    stream.close()

    assert (await node.exited(container)).exit_code == 0


async def test_several_clients_get_the_same_output(node):
    container = await node.run(*READER, stdin=True)
    streams = [await node.attach(container, stdin=True, stdout=True) for _ in range(5)]
    for stream in streams:
        # its own input can only have come by when its output was joined as well
        await stream.stdin(b"here\n")
        await stream.until(b"got here\n")

    await streams[0].stdin(b"x\n")

    for stream in streams:
        await stream.until(b"got x\n")
        stream.close()


async def test_output_is_in_the_log_as_well(node):
    pod = await node.run_pod("web")
    container = await node.run(*READER, stdin=True, stdin_once=True, pod=pod)
    stream = await node.attach(container, stdin=True, stdout=True)

    await stream.stdin(b"one\n", end=True)
    await stream.finish()
    await node.exited(container)

    records = [
        line.split(" ", 1)[1] for line in node.log(container, "web").splitlines()
    ]
    assert records == ["stdout F got one", "stdout F end"]


async def test_large_output_reaches_a_slow_client_whole(node):
    container = await node.run(
        "sh", "-c", "read go; head -c 5000000 /dev/zero; read end", stdin=True
    )
    stream = await node.attach(container, stdin=True, stdout=True)
    await stream.stdin(b"go\n")

    while len(stream.stdout) < 5_000_000:
        assert await stream.receive()

    assert len(stream.stdout) == 5_000_000
    stream.close()


async def test_a_terminal_is_shared_and_resized(node):
    script = "trap 'stty size' WINCH; echo ready; while :; do read line; done"
    pod = await node.run_pod("web")
    container = await node.run("sh", "-c", script, stdin=True, tty=True, pod=pod)
    await until(lambda: "ready" in node.log(container, "web"))
    stream = await node.attach(container, stdin=True, stdout=True, tty=True)

    await stream.resize(TerminalSize(81, 25))
    await stream.until(b"25 81\r\n")
    await stream.resize(TerminalSize(80, 24))

    await stream.until(b"24 80\r\n")
    stream.close()


async def test_standard_error_is_a_stream_of_its_own(node):
    container = await node.run("sh", "-c", "read go; echo err >&2", stdin=True)
    stream = await node.attach(container, stdin=True, stderr=True)

    await stream.stdin(b"go\n")

    assert (await stream.finish()).stderr == b"err\n"


async def test_input_for_a_container_without_stdin_is_dropped(node):
    container = await node.run("sh", "-c", "cat; sleep 1000")
    stream = await node.attach(container, stdin=True, stdout=True)

    await stream.stdin(b"nobody reads this\n")
    await node.stop_container(container)

    assert json.loads((await stream.finish()).status)["status"] == "Success"


@pytest.mark.parametrize(
    "subprotocol", ["v4.channel.k8s.io", "base64.channel.k8s.io", ""]
)
async def test_attach_speaks_the_older_protocols(node, subprotocol):
    container = await node.run(*READER, stdin=True)
    stream = await node.attach(
        container, stdin=True, stdout=True, subprotocol=subprotocol
    )

    await stream.stdin(b"old\n")

    await stream.until(b"got old\n")
    stream.close()
