"""exec over WebSocket: the client's side of a real streaming server and a real process."""

import asyncio
import hashlib
import json
import os

import pytest

from wire.terminal import TerminalSize

SUBPROTOCOLS = [
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "channel.k8s.io",
    "base64.channel.k8s.io",
    "",
]
WITH_JSON_STATUS = SUBPROTOCOLS[:3]


@pytest.fixture
async def container(node):
    return await node.run("sleep", "infinity")


@pytest.mark.parametrize("subprotocol", SUBPROTOCOLS)
async def test_output_comes_on_its_streams(node, container, subprotocol):
    stream = await node.exec(
        container, "sh", "-c", "echo out; echo err >&2", subprotocol=subprotocol
    )

    outcome = await stream.finish()

    assert (outcome.stdout, outcome.stderr) == (b"out\n", b"err\n")
    assert outcome.close_code == 1000


@pytest.mark.parametrize("subprotocol", WITH_JSON_STATUS)
async def test_success_is_a_status(node, container, subprotocol):
    stream = await node.exec(container, "true", subprotocol=subprotocol)

    assert json.loads((await stream.finish()).status)["status"] == "Success"


@pytest.mark.parametrize("code", [1, 42, 137, 255])
async def test_the_exit_code_is_a_cause_of_the_status(node, container, code):
    stream = await node.exec(
        container, "sh", "-c", f"exit {code}", subprotocol="v4.channel.k8s.io"
    )

    status = json.loads((await stream.finish()).status)

    assert status == {
        "status": "Failure",
        "message": "command terminated with non-zero exit code: error executing "
        f"command [sh -c exit {code}], exit code {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


async def test_v5_has_the_words_of_the_translators_in_front_of_a_real_runtime(
    node, container
):
    stream = await node.exec(container, "sh", "-c", "exit 7")

    assert (await stream.finish()).status == (
        b'{"metadata":{},"status":"Failure","message":"command terminated with non-zero '
        b'exit code: command terminated with exit code 7","reason":"NonZeroExitCode",'
        b'"details":{"causes":[{"reason":"ExitCode","message":"7"}]}}'
    )


async def test_a_command_killed_by_a_signal_has_128_and_the_signal(node, container):
    stream = await node.exec(container, "sh", "-c", "kill -9 $$")

    status = json.loads((await stream.finish()).status)

    assert status["details"]["causes"][0]["message"] == "137"


async def test_older_protocols_say_failure_in_plain_text(node, container):
    stream = await node.exec(
        container, "sh", "-c", "exit 3", subprotocol="channel.k8s.io"
    )

    assert (await stream.finish()).status == (
        b"command terminated with non-zero exit code: error executing command "
        b"[sh -c exit 3], exit code 3"
    )


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("nope", 'exec: "nope": executable file not found in $PATH'),
        ("/nosuch", 'exec: "/nosuch": stat /nosuch: no such file or directory'),
        ("/tmp", 'exec: "/tmp": is a directory'),
    ],
)
async def test_a_missing_executable_is_an_internal_error_in_runcs_words(
    node, container, command, reason
):
    stream = await node.exec(container, command, subprotocol="v4.channel.k8s.io")

    status = json.loads((await stream.finish()).status)

    assert status["reason"] == "InternalError"
    assert status["code"] == 500
    text = status["message"].split('"', 2)
    assert text[0] == (
        "Internal error occurred: error executing command in container: "
        "failed to exec in container: failed to start exec "
    )
    assert text[2] == (
        ": OCI runtime exec failed: exec failed: unable to start container process: "
        + reason
    )


async def test_stdin_arrives_whole_and_its_end_reaches_the_process(node, container):
    data = os.urandom(3_000_000)
    stream = await node.exec(container, "sha256sum", stdin=True, stdout=True)

    await stream.stdin(data, end=True)
    outcome = await stream.finish()

    assert outcome.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()


async def test_output_arrives_whole(node, container):
    stream = await node.exec(container, "seq", "1", "300000", stdout=True)

    outcome = await stream.finish()

    assert outcome.stdout == b"".join(b"%d\n" % i for i in range(1, 300001))


async def test_input_and_output_flow_at_once(node, container):
    data = os.urandom(2_000_000)
    stream = await node.exec(container, "cat", stdin=True, stdout=True)

    async with asyncio.TaskGroup() as group:
        group.create_task(stream.stdin(data, end=True))
        finished = group.create_task(stream.finish())

    assert finished.result().stdout == data


async def test_the_status_survives_input_that_nobody_reads(node, container):
    stream = await node.exec(container, "true", stdin=True, stdout=True)

    sending = asyncio.ensure_future(stream.stdin(bytes(5_000_000)))
    outcome = await stream.finish()

    assert json.loads(outcome.status)["status"] == "Success"
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_the_output_of_a_child_that_outlives_the_command_is_waited_for(
    node, container
):
    script = "(read go < fifo; echo late) & echo early"
    await node.sync(container, "mkfifo", "fifo")
    stream = await node.exec(container, "sh", "-c", script, stdout=True)

    await stream.until(b"early\n")
    await node.sync(container, "sh", "-c", "echo > fifo")

    assert (await stream.finish()).stdout == b"early\nlate\n"


async def test_a_terminal_has_its_size_before_the_command_looks(node, container):
    stream = await node.exec(
        container, "stty", "size", stdin=True, stdout=True, tty=True
    )
    await stream.resize(TerminalSize(123, 45))

    assert (await stream.finish()).stdout == b"45 123\r\n"


async def test_a_terminal_is_resized_while_the_command_runs(node, container):
    script = "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done"
    stream = await node.exec(container, "sh", "-c", script, stdout=True, tty=True)
    await stream.until(b"ready")

    await stream.resize(TerminalSize(99, 33))

    assert (await stream.finish()).stdout.endswith(b"33 99\r\n")


async def test_a_terminal_is_the_controlling_one_and_ctrl_c_interrupts(node, container):
    stream = await node.exec(
        container, "sh", "-c", "tty; exec sleep 1000", stdin=True, stdout=True, tty=True
    )
    await stream.until(b"/dev/pts/")

    await stream.stdin(b"\x03")

    causes = json.loads((await stream.finish()).status)["details"]["causes"]
    assert causes[0]["message"] == "130"


async def test_the_end_of_input_on_a_terminal_is_ctrl_d(node, container):
    stream = await node.exec(container, "cat", stdin=True, stdout=True, tty=True)

    await stream.stdin(b"hello\n", end=True)
    outcome = await stream.finish()

    assert outcome.stdout == b"hello\r\nhello\r\n"
    assert json.loads(outcome.status)["status"] == "Success"


async def test_term_is_set_on_a_terminal_only(node, container):
    plain = await node.exec(container, "sh", "-c", "echo $TERM.")
    tty = await node.exec(container, "sh", "-c", "echo $TERM.", stdout=True, tty=True)

    assert (await plain.finish()).stdout == b".\n"
    assert (await tty.finish()).stdout == b"xterm.\r\n"


@pytest.mark.parametrize("tty", [False, True])
async def test_the_command_runs_on_when_its_client_leaves(node, container, tty):
    # more output than a pipe or a terminal holds, so that it has to be read by somebody
    script = (
        "echo started; read go < fifo; seq 1 100000; echo done > result; echo > fifo2"
    )
    await node.sync(container, "mkfifo", "fifo", "fifo2")
    stream = await node.exec(container, "sh", "-c", script, stdout=True, tty=tty)
    await stream.until(b"started")

    stream.close()
    await node.sync(container, "sh", "-c", "echo > fifo; read end < fifo2")

    assert (await node.sync(container, "cat", "result")).stdout == b"done\n"


async def test_the_command_gets_the_end_of_input_when_its_client_leaves(
    node, container
):
    script = "echo started; cat > got; echo > fifo"
    await node.sync(container, "mkfifo", "fifo")
    stream = await node.exec(container, "sh", "-c", script, stdin=True, stdout=True)
    await stream.until(b"started")

    await stream.stdin(b"half a line")
    stream.close()
    await node.sync(container, "sh", "-c", "read end < fifo")

    assert (await node.sync(container, "cat", "got")).stdout == b"half a line"


async def test_a_slow_reader_slows_the_writer_and_loses_nothing(node, container):
    stream = await node.exec(
        container,
        "sh",
        "-c",
        "head -c 20000000 /dev/zero; echo end > finished",
        stdout=True,
    )
    await stream.receive()

    there = await node.sync(container, "cat", "finished")
    outcome = await stream.finish()

    assert there.exit_code != 0
    assert len(outcome.stdout) == 20_000_000


async def test_the_command_is_killed_with_its_container(node, container):
    stream = await node.exec(container, "sleep", "1000")

    await node.stop_container(container)

    causes = json.loads((await stream.finish()).status)["details"]["causes"]
    assert causes[0]["message"] == "137"


async def test_the_command_gets_no_descriptor_but_its_streams(node, container):
    stream = await node.exec(container, "sh", "-c", "ls /proc/$$/fd", stdout=True)

    assert (await stream.finish()).stdout.split() == [b"0", b"1", b"2"]


async def test_the_command_starts_without_blocked_or_ignored_signals(node, container):
    stream = await node.exec(
        container, "grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"
    )

    masks = [line.split()[1] for line in (await stream.finish()).stdout.splitlines()]

    # 32 and 33 are the C library's own; make, for one, has its children ignore them.
    reserved = 1 << 31 | 1 << 32
    assert [int(mask, 16) & ~reserved for mask in masks] == [0, 0]
