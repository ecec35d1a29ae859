"""Three behaviours of API servers, three of kubelets: what becomes of each protocol."""

from __future__ import annotations

import json

import pytest

from hops.client import UpgradeRefused
from tests.integration.streaming.doors import open_forwarder, open_session
from wire.http1 import get_header
from wire.remotecommand import StreamOptions
from wire.websocket_handshake import client_handshake

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
VERSIONS = ("1.28", "1.33", "1.36")
STREAMS = StreamOptions(stdin=True, stdout=True, stderr=True)

matrix = pytest.mark.parametrize(
    ("api", "kubelet"), [(api, kubelet) for api in VERSIONS for kubelet in VERSIONS]
)
every_runtime = pytest.mark.parametrize("runtime", ["all", "containerd"])


def takes_v5(api, kubelet, runtime):
    """Somebody on the way translates, or the runtime speaks it itself."""
    return api != "1.28" or kubelet == "1.36" or runtime == "all"


async def outcome(door, protocol):
    session = await open_session(
        door, "exec", protocol, STREAMS, "sh", "-c", "cat; echo err >&2; exit 7"
    )
    if protocol.startswith("spdy") or "v5" in protocol:
        await session.stdin(b"typed\n", end=True)
    else:
        await session.stdin(b"typed\n")
    return session


@matrix
@every_runtime
async def test_exec(build_stack, api, kubelet, runtime):
    stack = await build_stack(api=api, kubelet=kubelet, runtime=runtime)

    spdy = await (await outcome(stack.apiserver, "spdy v4.channel.k8s.io")).finish()
    v4 = await outcome(stack.apiserver, "websocket v4.channel.k8s.io")
    await v4.until(b"typed\n")
    v4.close()

    assert (spdy.stdout, spdy.stderr) == (b"typed\n", b"err\n")
    if not takes_v5(api, kubelet, runtime):
        with pytest.raises(UpgradeRefused) as caught:
            await outcome(stack.apiserver, "websocket v5.channel.k8s.io")
        assert caught.value.head.status == 403
        return
    v5 = await (await outcome(stack.apiserver, "websocket v5.channel.k8s.io")).finish()
    assert (v5.stdout, v5.stderr, v5.close_code) == (b"typed\n", b"err\n", 1000)
    # The translator's words, also where nobody had to translate.
    assert json.loads(v5.status) == {
        "metadata": {},
        "status": "Failure",
        "message": "command terminated with non-zero exit code: command terminated "
        "with exit code 7",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": "7"}]},
    }


@matrix
@every_runtime
async def test_port_forward(build_stack, api, kubelet, runtime):
    stack = await build_stack(api=api, kubelet=kubelet, runtime=runtime)

    # Nobody listens: that is enough to see that the session reaches the runtime.
    for form in ("spdy", "channels"):
        client = await open_forwarder(stack.apiserver, form, 1)
        number = await client.open(1) if form == "spdy" else 0
        await client.until(lambda c=client, n=number: c[n].error)
        client.close()
    if api == "1.28" and kubelet != "1.36":
        # Such a kubelet takes the tunnel for channels, which have their ports in the query.
        with pytest.raises(UpgradeRefused) as caught:
            await open_forwarder(stack.apiserver, "tunnel")
        assert caught.value.body == b'query parameter "port" is required'
        return
    client = await open_forwarder(stack.apiserver, "tunnel")
    number = await client.open(1)
    await client.until(lambda: client[number].error)
    client.close()


@every_runtime
async def test_v5_is_taken_wherever_it_stands_in_the_clients_list(build_stack, runtime):
    stack = await build_stack(runtime=runtime)
    handshake = client_handshake(KEY, ["v4.channel.k8s.io", "v5.channel.k8s.io"])

    upgraded = await stack.kubelet.client.upgrade(
        "GET", "/exec/default/web/c?command=true&output=1", handshake
    )

    chosen = get_header(upgraded.head.headers, "Sec-WebSocket-Protocol")
    assert chosen == "v5.channel.k8s.io"
    upgraded.connection.close()


async def test_a_strange_tunnel_says_nothing_about_the_runtime(build_stack, caplog):
    caplog.set_level("INFO", "kubelet.server.streaming")
    stack = await build_stack()
    handshake = client_handshake(KEY, ["SPDY/3.1+v9.portforward.k8s.io"])

    with pytest.raises(UpgradeRefused) as caught:
        await stack.kubelet.client.upgrade("GET", "/portForward/default/web", handshake)

    assert caught.value.head.status == 403
    assert "the runtime needs translation" not in caplog.text


@pytest.mark.parametrize(
    ("api", "kubelet", "handling"),
    [
        ("1.28", "1.36", "proxied_to_kubelet"),
        ("1.33", "1.36", "translated_at_apiserver"),
        ("1.36", "1.33", "translated_at_apiserver"),
        ("1.36", "1.36", "proxied_to_kubelet"),
    ],
)
async def test_who_translates_is_counted(build_stack, api, kubelet, handling):
    stack = await build_stack(api=api, kubelet=kubelet)

    await (await outcome(stack.apiserver, "websocket v5.channel.k8s.io")).finish()
    metrics = await stack.apiserver.client.request("GET", "/metrics")

    (line,) = [
        line for line in metrics.body.decode().splitlines() if f'"{handling}"' in line
    ]
    assert line.endswith(" 1")
