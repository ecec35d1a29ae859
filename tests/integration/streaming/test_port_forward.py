"""port-forward in every wire form, at the runtime, at the kubelet, at the API server."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys

import pytest

from hops.client import UpgradeRefused
from rpc import cri_v1_pb2 as cri
from tests.integration.cri_runtime.conftest import until
from tests.integration.streaming.doors import (
    CONTAINER,
    DOORS,
    FORMS,
    POD,
    SHARED_FORMS,
    open_forwarder,
)
from wire.websocket_handshake import client_handshake

# What listens in the pod. Its first word says how to serve: `echo` until the end and then
# say how much came, `sink` as much and tell, `source` so many bytes, `reset`, `sit` still,
# `finish` at once and log what comes nevertheless.
SERVER = """
import os, socket, struct, sys, threading
def serve(s):
    total = 0
    word = b""
    while not word.endswith(b"\\n"):
        got = s.recv(1)
        if not got: return s.close()
        word += got
    name, _, size = word.strip().partition(b" ")
    if name == b"source":
        block = bytes(65536)
        for _ in range(int(size) // 65536): s.sendall(block)
        return s.close()
    if name == b"reset":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return s.close()
    if name == b"finish":
        s.shutdown(socket.SHUT_WR)
        heard = b"".join(iter(lambda: s.recv(65536), b""))
        print("heard", heard.decode(), flush=True)
        return s.close()
    if name == b"sit":
        s.sendall(b"sitting")
        return threading.Event().wait()
    import hashlib
    digest = hashlib.sha256()
    while data := s.recv(65536):
        total += len(data)
        digest.update(data)
        if name == b"echo": s.sendall(data)
    s.sendall(b" %d %s" % (total, digest.hexdigest().encode()))
    s.close()
listener = socket.create_server((sys.argv[1] or os.environ["MINI_KUBE_POD_IP"], 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is tested
LISTENING = ("127.0.0.1", "", EVERYWHERE)

every_door = pytest.mark.parametrize("door", DOORS)
every_form = pytest.mark.parametrize("form", FORMS)
shared_form = pytest.mark.parametrize("form", SHARED_FORMS)


def server(address="127.0.0.1"):
    return (sys.executable, "-c", SERVER, address)


@pytest.fixture
async def serving(build_stack):
    """A stack and the port at which its pod listens."""
    stack = await build_stack(command=server())
    return stack, await listening_port(stack)


async def listening_port(stack):
    def log():
        try:
            return stack.node.log(stack.container, POD, CONTAINER)
        except FileNotFoundError:
            return ""

    await until(lambda: log().endswith("\n"))
    return int(log().split()[-1])


def nobody_listens(stack, port):
    digits = stack.sandbox
    uuid = "-".join(
        digits[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
    )
    return (
        f"error forwarding port {port} to pod {stack.sandbox}, uid : failed to execute "
        f'portforward in network namespace "/var/run/netns/cni-{uuid}": failed to connect '
        f'to localhost:{port} inside namespace "{stack.sandbox}", IPv4: dial tcp4 '
        f"127.0.0.1:{port}: connect: connection refused IPv6 dial tcp6 [::1]:{port}: "
        "connect: connection refused "
    )


async def first_forward(client, form, port):
    return await client.open(port) if form in SHARED_FORMS else 0


@every_door
@every_form
async def test_bytes_go_there_and_back(serving, door, form):
    stack, port = serving
    client = await open_forwarder(stack.door(door), form, port)
    forward = await first_forward(client, form, port)

    await client.write(forward, b"echo\nhello")
    await client.until(lambda: client[forward].data == b"hello")

    assert client[forward].opened
    client.close()


@every_door
@every_form
async def test_nobody_listens(stack, door, form):
    client = await open_forwarder(stack.door(door), form, 1)
    forward = await first_forward(client, form, 1)

    await client.until(lambda: client[forward].error)

    assert client[forward].error == nobody_listens(stack, 1)
    if form in SHARED_FORMS:
        assert not client.closed  # it is the client that ends the session now
    elif not client.closed:
        await client.finished()
    client.close()


@every_door
@shared_form
async def test_many_connections_share_a_session(serving, door, form):
    stack, port = serving
    client = await open_forwarder(stack.door(door), form)
    texts = {await client.open(port): b"number %d" % n for n in range(50)}

    for forward, text in texts.items():
        await client.write(forward, b"echo\n" + text)
    await client.until(lambda: all(client[f].data == t for f, t in texts.items()))
    for forward in texts:
        await client.finish(forward)
    await client.until(lambda: all(client[f].closed for f in texts))

    assert all(b" %d " % len(t) in client[f].data for f, t in texts.items())
    client.close()


@every_door
@shared_form
async def test_a_client_that_has_ended_still_hears_the_answer(serving, door, form):
    stack, port = serving
    data = os.urandom(3_000_000)
    client = await open_forwarder(stack.door(door), form)
    forward = await client.open(port)

    await client.write(forward, b"sink\n" + data)
    await client.finish(forward)
    await client.until(lambda: client[forward].closed)

    digest = hashlib.sha256(data).hexdigest()
    assert client[forward].data.decode() == f" {len(data)} {digest}"
    client.close()


@every_door
@every_form
async def test_much_comes_out_whole(serving, door, form):
    stack, port = serving
    client = await open_forwarder(stack.door(door), form, port)
    forward = await first_forward(client, form, port)
    size = 64 * 65536

    await client.write(forward, b"source %d\n" % size)
    await client.until(lambda: len(client[forward].data) == size)

    if form in SHARED_FORMS:
        await client.until(lambda: client[forward].half_closed)
    elif not client.closed:
        await client.finished()
    client.close()


@shared_form
async def test_a_forward_ends_though_the_client_only_waits_for_its_end(serving, form):
    # Up to kubectl 1.31 its end of the forward stays open until the error stream ends.
    stack, port = serving
    client = await open_forwarder(stack.door("runtime"), form)
    forward = await client.open(port)

    await client.write(forward, b"source 65536\n")
    await client.until(lambda: client[forward].closed)

    assert len(client[forward].data) == 65536
    assert not client.closed
    client.close()


@shared_form
async def test_a_pod_that_has_said_all_hears_a_client_who_goes_on(serving, form):
    stack, port = serving
    client = await open_forwarder(stack.door("runtime"), form)
    forward = await client.open(port)

    await client.write(forward, b"finish\n")
    await client.until(lambda: client[forward].half_closed)
    await client.write(forward, b"more")
    await client.finish(forward)
    await client.until(lambda: client[forward].closed)

    await until(lambda: "heard more" in stack.node.log(stack.container, POD, CONTAINER))
    client.close()


@every_door
@shared_form
async def test_a_connection_that_is_reset_leaves_the_others_alone(serving, door, form):
    stack, port = serving
    client = await open_forwarder(stack.door(door), form)
    broken, refused, good = [await client.open(p) for p in (port, 1, port)]

    await client.write(good, b"echo\none")
    await client.write(broken, b"reset\n")
    await client.until(lambda: client[broken].closed and client[refused].error)
    await client.write(good, b"two")
    await client.until(lambda: client[good].data == b"onetwo")

    assert client[broken].error == ""
    client.close()


@every_door
@shared_form
async def test_a_forward_that_the_client_resets_leaves_the_others_alone(
    serving, door, form
):
    stack, port = serving
    client = await open_forwarder(stack.door(door), form)
    dropped, good = await client.open(port), await client.open(port)
    await client.write(dropped, b"sit\n")
    await client.until(lambda: client[dropped].data)

    await client.reset(dropped)
    await client.write(good, b"echo\nhello")
    await client.until(lambda: client[good].data == b"hello")

    client.close()


@every_door
@every_form
async def test_the_session_ends_when_the_pod_goes(serving, door, form):
    stack, port = serving
    client = await open_forwarder(stack.door(door), form, port)
    forward = await first_forward(client, form, port)
    await client.write(forward, b"echo\nx")
    await client.until(lambda: client[forward].data)

    request = cri.StopPodSandboxRequest(pod_sandbox_id=stack.sandbox)
    await stack.node.runtime.StopPodSandbox(request)
    await client.finished()

    client.close()


@pytest.mark.parametrize("versions", [("1.33", "1.33"), ("1.36", "1.36")])
@pytest.mark.parametrize("runtime", ["all", "containerd"])
@pytest.mark.parametrize("form", SHARED_FORMS)
async def test_nothing_is_left_of_a_client_that_is_cut(
    build_stack, caplog, versions, runtime, form
):
    api, kubelet = versions
    stack = await build_stack(
        api=api, kubelet=kubelet, runtime=runtime, command=server()
    )
    port = await listening_port(stack)
    running = stack.node.runtime_process.streaming._forwardings._running
    client = await open_forwarder(stack.apiserver, form)
    forward = await client.open(port)
    await client.write(forward, b"echo\nhello")
    await client.until(lambda: client[forward].data)

    client.abort()
    await until(lambda: not running)

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("address", LISTENING, ids=["loopback", "pod", "all"])
async def test_wherever_the_pod_listens_it_is_found(build_stack, address):
    stack = await build_stack(command=server(address))
    port = await listening_port(stack)
    client = await open_forwarder(stack.runtime, "spdy")
    forward = await client.open(port)

    await client.write(forward, b"echo\nhello")
    await client.until(lambda: client[forward].data == b"hello")

    client.close()


async def test_what_listens_outside_the_pod_is_not_reached(stack):
    stranger = await asyncio.start_server(lambda _r, w: w.close(), EVERYWHERE, 0)
    port = stranger.sockets[0].getsockname()[1]
    client = await open_forwarder(stack.runtime, "spdy")
    forward = await client.open(port)

    await client.until(lambda: client[forward].error)

    assert client[forward].error == nobody_listens(stack, port)
    client.close()
    stranger.close()
    await stranger.wait_closed()


async def test_a_port_that_the_container_could_not_have_is_mapped(build_stack):
    stack = await build_stack(command=server())
    port = await listening_port(stack)
    containers = stack.node.runtime_process.containers
    folder = containers.directory(containers.get(stack.container))
    (folder / "ports").write_text(f"80 {port}\n")
    client = await open_forwarder(stack.runtime, "spdy")
    forward = await client.open(80)

    await client.write(forward, b"echo\nhello")
    await client.until(lambda: client[forward].data == b"hello")

    client.close()


async def test_a_pod_that_does_not_read_makes_its_client_wait(serving):
    stack, port = serving
    client = await open_forwarder(stack.runtime, "spdy")
    forward = await client.open(port)
    await client.write(forward, b"sit\n")
    await client.until(lambda: client[forward].data)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await client.write(forward, bytes(64 * 1024 * 1024))

    client.abort()


async def test_a_client_that_does_not_read_makes_the_pod_wait(serving):
    stack, port = serving
    client = await open_forwarder(stack.runtime, "spdy")
    client._connection.transport.pause_reading()
    forward = await client.open(port)
    await client.write(forward, b"source %d\n" % (256 * 65536))
    (forwarding,) = stack.node.runtime_process.streaming._forwardings._running

    await until(lambda: forwarding._blocked)
    client._connection.transport.resume_reading()
    await client.until(lambda: len(client[forward].data) == 256 * 65536)

    client.close()


@every_form
async def test_an_idle_session_is_ended(build_stack, form):
    stack = await build_stack(command=server(), stream_idle_timeout=0.2)
    port = await listening_port(stack)

    client = await open_forwarder(stack.runtime, form, port)
    await client.finished()

    client.close()


@pytest.mark.parametrize("first", ["error", "data"])
async def test_a_stream_whose_partner_never_comes_is_given_up(build_stack, first):
    stack = await build_stack(stream_creation_timeout=0.05)
    client = await open_forwarder(stack.runtime, "spdy")
    headers = (("streamtype", first), ("port", "80"), ("requestid", "0"))
    connection = client.core.connection
    stream = connection.open_stream(headers)
    await client.send()

    while connection.is_open(stream) and connection.stream_count:
        if first == "error" and not connection.may_send(stream):
            break
        await client.receive()
        if first == "error":
            break

    assert not client.closed
    client.close()


async def test_containerd_knows_no_tunnel(build_stack):
    stack = await build_stack(runtime="containerd")

    with pytest.raises(UpgradeRefused) as caught:
        await open_forwarder(stack.runtime, "tunnel")

    assert caught.value.head.status == 403


@pytest.mark.parametrize(
    ("port", "text"),
    [
        ("", 'query parameter "port" is required'),
        ("?port=", 'query parameter "port" cannot be empty'),
        ("?port=0", 'port "0" must be > 0'),
        (
            "?port=x",
            'unable to parse "x" as a port: strconv.ParseUint: parsing "x": '
            "invalid syntax",
        ),
    ],
)
async def test_a_kubelet_wants_the_ports_of_channels_in_the_query(stack, port, text):
    handshake = client_handshake("dGhlIHNhbXBsZSBub25jZQ==", ["v4.channel.k8s.io"])

    with pytest.raises(UpgradeRefused) as caught:
        await stack.kubelet.client.upgrade(
            "GET", f"/portForward/default/web{port}", handshake
        )

    answer = caught.value
    assert (answer.head.status, answer.body.decode()) == (400, text)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/portForward/default/nope", 404, "pod does not exist"),
        ("/portForward/default/web/another-uid", 404, "pod not found"),
        ("/exec/default/nope/c?output=1", 404, "pod does not exist"),
        ("/exec/default/web/nope?output=1", 500, 'container not found ("nope")'),
        ("/exec/default/web/u/c?output=1", 500, 'container not found ("c")'),
        (
            "/attach/default/web/nope?output=1",
            500,
            "container nope not found in pod web_default",
        ),
        (
            "/exec/default/web/c?output=true",
            400,
            "you must specify at least 1 of stdin, stdout, stderr",
        ),
    ],
)
async def test_a_kubelet_refuses_in_its_own_words(stack, path, status, text):
    handshake = [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1")]

    with pytest.raises(UpgradeRefused) as caught:
        await stack.kubelet.client.upgrade("POST", path, handshake)

    answer = caught.value
    assert (answer.head.status, answer.body.decode()) == (status, text)
