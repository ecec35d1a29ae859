"""exec and attach in every protocol, at the runtime, at the kubelet, at the API server."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os

import pytest

from hops.client import UpgradeRefused
from tests.integration.cri_runtime.conftest import until
from tests.integration.streaming.doors import DOORS, open_session
from wire.remotecommand import StreamOptions
from wire.spdy_negotiation import spdy_handshake
from wire.terminal import TerminalSize

PROTOCOLS = [
    "websocket v5.channel.k8s.io",
    "websocket v4.channel.k8s.io",
    "websocket v4.base64.channel.k8s.io",
    "websocket channel.k8s.io",
    "websocket base64.channel.k8s.io",
    "websocket ",
    "spdy v4.channel.k8s.io",
    "spdy v3.channel.k8s.io",
    "spdy v2.channel.k8s.io",
    "spdy channel.k8s.io",
]
V5, SPDY_V1 = PROTOCOLS[0], PROTOCOLS[-1]
WITH_STATUS = [name for name in PROTOCOLS if " v4." in name or " v5." in name]
WITH_HALF_CLOSE = [V5, *(name for name in PROTOCOLS if name.startswith("spdy v"))]
WITH_SIZES = [name for name in PROTOCOLS if "v2" not in name and name != SPDY_V1]
OUTPUT = StreamOptions(stdout=True, stderr=True)
BOTH_WAYS = StreamOptions(stdin=True, stdout=True)
TERMINAL = StreamOptions(stdin=True, stdout=True, tty=True)

every_door = pytest.mark.parametrize("door", DOORS)


def every(protocols):
    return pytest.mark.parametrize("protocol", protocols, ids=str.strip)


@every_door
async def test_output_comes_on_its_streams_in_every_protocol(stack, door):
    script = "echo out; echo err >&2; exit 7"

    for protocol in PROTOCOLS:
        session = await open_session(
            stack.door(door), "exec", protocol, OUTPUT, "sh", "-c", script
        )
        outcome = await session.finish()

        streams = (outcome.stdout, outcome.stderr, outcome.close_code)
        assert streams == (b"out\n", b"err\n", 1000), protocol
        if protocol == SPDY_V1:
            # Its error stream is reset at the start: no failure is ever told.
            assert outcome.status == b""
        elif protocol in WITH_STATUS:
            status = json.loads(outcome.status)
            causes = [{"reason": "ExitCode", "message": "7"}]
            assert status["details"]["causes"] == causes
        else:
            assert b"non-zero exit code" in outcome.status


@every_door
async def test_the_end_of_stdin_reaches_the_command(stack, door):
    data = os.urandom(1_000_000)

    for protocol in WITH_HALF_CLOSE:
        session = await open_session(
            stack.door(door), "exec", protocol, BOTH_WAYS, "sha256sum"
        )
        await session.stdin(data, end=True)
        outcome = await session.finish()

        digest = hashlib.sha256(data).hexdigest()
        assert outcome.stdout.split()[0].decode() == digest, protocol


@every_door
async def test_a_terminal_has_its_size_and_follows_it(stack, door):
    script = "stty size; read x; stty size"

    for protocol in WITH_SIZES:
        session = await open_session(
            stack.door(door), "exec", protocol, TERMINAL, "sh", "-c", script
        )
        await session.resize(TerminalSize(101, 31))
        await session.until(b"31 101\r\n")
        await session.resize(TerminalSize(90, 20))
        await session.stdin(b"\n")
        outcome = await session.finish()

        assert outcome.stdout.endswith(b"20 90\r\n"), protocol
        assert outcome.close_code == 1000


@every_door
@every([V5, "websocket v4.channel.k8s.io", "spdy v4.channel.k8s.io", SPDY_V1])
async def test_attach_joins_the_container(build_stack, door, protocol):
    script = "while read x; do echo got $x; done; sleep 1000"
    stack = await build_stack(command=("sh", "-c", script), container={"stdin": True})

    session = await open_session(stack.door(door), "attach", protocol, BOTH_WAYS)
    await session.stdin(b"hello\n")
    await session.until(b"got hello\n")
    await stack.node.stop_container(stack.container)
    outcome = await session.finish()

    assert outcome.close_code == 1000
    assert b"exit code" not in outcome.status


@every_door
@every([V5, "websocket v4.channel.k8s.io", "spdy v4.channel.k8s.io"])
async def test_input_and_output_flow_at_once(stack, door, protocol):
    data = os.urandom(2_000_000)
    session = await open_session(
        stack.door(door), "exec", protocol, BOTH_WAYS, "head", "-c", str(len(data))
    )

    async with asyncio.TaskGroup() as group:
        group.create_task(session.stdin(data))
        finished = group.create_task(session.finish())

    assert finished.result().stdout == data


@pytest.mark.parametrize("door", DOORS)
async def test_spdy_begins_when_all_streams_are_there(stack, door):
    options = StreamOptions(stdin=True, stdout=True)
    client, target = await stack.door(door).request("exec", options, ["cat"])
    upgraded = await client.upgrade(
        "POST", target, spdy_handshake(["v4.channel.k8s.io"])
    )

    upgraded.connection.close()
    await upgraded.connection.wait_closed()

    # A client that leaves before has started nothing.
    assert stack.node.runtime_process.execs.running == 0


async def test_a_client_that_opens_no_streams_is_let_go(build_stack):
    stack = await build_stack(stream_creation_timeout=0.05)
    client, target = await stack.runtime.request("exec", OUTPUT, ["true"])

    upgraded = await client.upgrade(
        "POST", target, spdy_handshake(["v4.channel.k8s.io"])
    )
    async with upgraded.connection as connection:
        received = b""
        while data := await connection.read():
            received += data

    goaway = bytes.fromhex("80030007000000080000000000000000")
    assert received == goaway


@pytest.mark.parametrize(
    ("version", "status", "text"),
    [
        (
            "1.35",
            400,
            "unable to upgrade: header X-Stream-Protocol-Version does not exist in "
            "request with 3 headers\n",
        ),
        ("1.34", 200, ""),
    ],
)
async def test_spdy_without_a_version(build_stack, version, status, text):
    stack = await build_stack(emulate_version=version)
    client, target = await stack.runtime.request("exec", OUTPUT, ["true"])

    with pytest.raises(UpgradeRefused) as caught:
        await client.upgrade(
            "POST", target, [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1")]
        )

    assert (caught.value.head.status, caught.value.body.decode()) == (status, text)


@every_door
async def test_spdy_of_no_known_version_is_refused_with_those_that_are(stack, door):
    client, target = await stack.door(door).request("exec", OUTPUT, ["true"])

    with pytest.raises(UpgradeRefused) as caught:
        await client.upgrade("POST", target, spdy_handshake(["v9.channel.k8s.io"]))

    known = ["v4", "v3", "v2"]
    accepted = [f"{name}.channel.k8s.io" for name in known] + ["channel.k8s.io"]
    assert caught.value.head.status == 403
    assert [
        value
        for name, value in caught.value.head.headers
        if name == "X-Accepted-Stream-Protocol-Versions"
    ] == accepted
    assert caught.value.body.decode() == (
        "unable to upgrade: unable to negotiate protocol: client supports "
        f"[v9.channel.k8s.io], server accepts [{' '.join(accepted)}]\n"
    )


@pytest.mark.parametrize(
    ("version", "status"),
    [("1.36", {"status": "Success"}), ("1.35", {"metadata": {}, "status": "Success"})],
)
async def test_the_status_has_the_shape_of_its_version(build_stack, version, status):
    stack = await build_stack(emulate_version=version)
    session = await open_session(
        stack.runtime, "exec", "spdy v4.channel.k8s.io", OUTPUT, "true"
    )

    assert json.loads((await session.finish()).status) == status


async def test_a_session_of_spdy_ends_as_containerds_does(stack):
    client, target = await stack.runtime.request("exec", OUTPUT, ["echo", "hi"])
    upgraded = await client.upgrade(
        "POST", target, spdy_handshake(["v4.channel.k8s.io"])
    )
    from wire.remotecommand_spdy import SpdyRemoteCommandClient

    core = SpdyRemoteCommandClient("v4.channel.k8s.io", OUTPUT)
    async with upgraded.connection as connection:
        connection.writelines(core.data_to_send())
        received = b""
        while data := await connection.read():
            received += data

    status = b'{"status":"Success"}'
    assert received[-(8 + len(status) + 3 * 16 + 11) :].endswith(
        bytes.fromhex("0000000301000000")  # FIN of stdout
        + bytes.fromhex("0000000501000000")  # and of stderr
        + bytes.fromhex("00000001000000")
        + bytes([len(status)])
        + status
        + bytes.fromhex("80030003000000080000000100000005")  # RST of error
        + bytes.fromhex("80030007000000080000000500000000")  # GOAWAY, last good 5
    )


@pytest.mark.parametrize("version", ["1.33", "1.36"])
@pytest.mark.parametrize("runtime", ["all", "containerd"])
@every([V5, "spdy v4.channel.k8s.io"])
async def test_nothing_is_left_of_a_client_that_is_cut(
    build_stack, caplog, version, runtime, protocol
):
    stack = await build_stack(api=version, kubelet=version, runtime=runtime)
    session = await open_session(
        stack.apiserver, "exec", protocol, BOTH_WAYS, "sh", "-c", "echo up; cat"
    )
    await session.until(b"up\n")

    session._connection.abort()
    await until(lambda: not stack.node.runtime_process.streaming._tasks)

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
