"""The streaming server's HTTP side, byte by byte."""

import asyncio
from urllib.parse import urlsplit

import grpc
import pytest
from grpc.aio import AioRpcError

from hops.client import HttpClient
from hops.hop import Hop
from rpc import cri_v1_pb2 as cri
from wire.websocket_handshake import client_handshake

from .conftest import KEY

NOT_FOUND = b"404 page not found\n"


@pytest.fixture
async def container(node):
    return await node.run("sleep", "1000")


async def request(url, head, *, more=b""):
    """Send one request as it is; returns all that comes until the server closes."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    text = head.replace("PATH", parts.path).replace("\n", "\r\n") + "\r\n\r\n"
    writer.write(text.encode() + more)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def websocket(*protocol_lines, version="13"):
    lines = [
        "GET PATH HTTP/1.1",
        "Host: x",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        f"Sec-WebSocket-Version: {version}",
        *(f"Sec-WebSocket-Protocol: {line}" for line in protocol_lines),
    ]
    return "\n".join(lines)


async def test_a_url_has_a_token_of_eight_characters(node, container):
    url = await node.exec_url(container, "true", stdout=True)

    base, kind, token = url.rsplit("/", 2)
    assert base == node.runtime_process.streaming.base_url
    assert kind == "exec"
    assert len(token) == 8


async def test_a_token_is_used_up_by_its_first_request_whatever_that_was(
    node, container
):
    url = await node.exec_url(container, "true", stdout=True)
    client = HttpClient(
        node.hops, Hop.KUBELET_CRI_STREAMING, url.rpartition("/exec/")[0]
    )

    path = urlsplit(url).path
    first = await client.request("GET", path)
    second = await client.request("GET", path)
    await client.close()

    assert first.status == 400
    assert (second.status, second.body) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    "path", ["/exec/AAAAAAAA", "/attach/AAAAAAAA", "/portforward/AAAAAAAA"]
)
async def test_a_made_up_token_is_not_found_and_the_connection_stays(node, path):
    base = node.runtime_process.streaming.base_url
    head = f"GET {path} HTTP/1.1\nHost: x\n\n"

    answer = await request(
        base, head + f"GET {path} HTTP/1.1\nHost: x\nConnection: close"
    )

    assert answer.count(b"HTTP/1.1 404 Not Found") == 2
    assert answer.endswith(NOT_FOUND)
    assert b"Content-Type: text/plain; charset=utf-8\r\n" in answer
    assert b"X-Content-Type-Options: nosniff\r\n" in answer


async def test_a_token_on_the_wrong_path_is_not_found_and_used_up(node, container):
    url = await node.exec_url(container, "true", stdout=True)
    client = HttpClient(
        node.hops, Hop.KUBELET_CRI_STREAMING, url.rpartition("/exec/")[0]
    )
    path = urlsplit(url).path

    wrong = await client.request("GET", path.replace("/exec/", "/attach/"))
    right = await client.request("GET", path)
    await client.close()

    assert (wrong.status, right.status) == (404, 404)


async def test_a_request_with_two_lengths_uses_no_token_up(node, container):
    url = await node.exec_url(container, "true", stdout=True)
    lengths = "Content-Length: 1\nTransfer-Encoding: chunked"

    bad = await request(url, f"POST PATH HTTP/1.1\nHost: x\n{lengths}")
    good = await request(url, websocket("v4.channel.k8s.io"))

    assert bad.startswith(b"HTTP/1.1 400 Bad Request")
    assert bad.count(b"HTTP/1.1") == 1
    assert good.startswith(b"HTTP/1.1 101 Switching Protocols")


async def test_head_is_answered_without_a_body_and_http_1_0_with_an_end(node):
    base = node.runtime_process.streaming.base_url

    head = await request(base, "HEAD /exec/AAAAAAAA HTTP/1.0")
    get = await request(base, "GET /exec/AAAAAAAA HTTP/1.0")

    assert head.startswith(b"HTTP/1.1 405 ")
    assert head.endswith(b"\r\n\r\n")
    assert get.endswith(NOT_FOUND)


async def test_other_paths_are_not_routed(node):
    base = node.runtime_process.streaming.base_url
    client = HttpClient(node.hops, Hop.KUBELET_CRI_STREAMING, base)

    answers = [
        await client.request("GET", path) for path in ("/", "/exec", "/exec/a/b")
    ]
    await client.close()

    assert [(a.status, a.body) for a in answers] == [(404, b"404: Page Not Found")] * 3


async def test_a_thousand_requests_may_wait_and_no_more(node, container):
    for _ in range(1000):
        await node.exec_url(container, "true", stdout=True)

    with pytest.raises(AioRpcError) as caught:
        await node.exec_url(container, "true", stdout=True)

    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caught.value.details() == "maximum number of in-flight requests exceeded"


@pytest.mark.parametrize(
    ("lines", "chosen"),
    [
        (["v5.channel.k8s.io, v4.channel.k8s.io"], "v5.channel.k8s.io"),
        (["v4.channel.k8s.io, v5.channel.k8s.io"], "v4.channel.k8s.io"),
        (["nope, v4.channel.k8s.io"], "v4.channel.k8s.io"),
        ([], ""),
    ],
)
async def test_the_first_protocol_of_the_client_that_is_served_wins(
    node, container, lines, chosen
):
    url = await node.exec_url(container, "true", stdout=True)

    answer = await request(url, websocket(*lines))

    head = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert head == [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        f"Sec-WebSocket-Protocol: {chosen}",
    ]


async def test_a_session_of_v4_is_byte_for_byte_what_a_runtime_sends(node, container):
    url = await node.exec_url(container, "echo", "hi", stdout=True)

    answer = await request(url, websocket("v4.channel.k8s.io"))

    status = b'{"status":"Success"}'
    assert answer.partition(b"\r\n\r\n")[2] == (
        bytes.fromhex("820101")
        + bytes.fromhex("820401")
        + b"hi\n"
        + bytes([0x82, len(status) + 1, 3])
        + status
        + bytes.fromhex("880203e8")
    )


@pytest.mark.parametrize(
    "lines", [["v2.channel.k8s.io"], ["nope"], ["nope", "v4.channel.k8s.io"]]
)
async def test_protocols_that_are_not_served_get_a_bare_403(node, container, lines):
    url = await node.exec_url(container, "true", stdout=True)

    assert await request(url, websocket(*lines)) == b"HTTP/1.1 403 Forbidden\r\n\r\n"


async def test_another_version_of_websocket_is_refused(node, container):
    url = await node.exec_url(container, "true", stdout=True)

    answer = await request(url, websocket("v4.channel.k8s.io", version="8"))

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Sec-WebSocket-Version: 13\r\n" in answer


async def test_a_client_of_spdy_hears_which_protocols_are_served(node, container):
    url = await node.exec_url(container, "true", stdout=True)
    head = (
        "POST PATH HTTP/1.1\nHost: x\nContent-Length: 0\nConnection: Upgrade\n"
        "Upgrade: SPDY/3.1\nX-Stream-Protocol-Version: v9.channel.k8s.io\n\n"
        "GET / HTTP/1.1\nConnection: close"
    )

    answer = await request(url, head)

    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert (
        b"unable to upgrade: unable to negotiate protocol: client supports "
        b"[v9.channel.k8s.io], server accepts [v4.channel.k8s.io v3.channel.k8s.io "
        b"v2.channel.k8s.io channel.k8s.io]\n" in answer
    )


async def test_junk_is_answered_and_the_connection_closed(node):
    base = node.runtime_process.streaming.base_url

    answer = await request(base, "this is no request")

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize(
    ("line", "headers", "text"),
    [
        ("GET PATH HTTP/1.1", "a: b", "400 Bad Request: missing required Host header"),
        ("GET PATH HTTP/1.1", "Host: a b", "400 Bad Request: malformed Host header"),
        ("GET PATH HTTP/1.1", "Host: a\nHost: a", "400 Bad Request"),
        ("GET PATH%zz HTTP/1.1", "Host: a", "400 Bad Request"),
        ("GET exec HTTP/1.1", "Host: a", "400 Bad Request"),
        (
            "GET PATH HTTP/1.1",
            "Host: a\nb: c\x01",
            "400 Bad Request: invalid header value",
        ),
        (
            "GET PATH HTTP/2.0",
            "Host: a",
            "505 HTTP Version Not Supported: unsupported protocol version",
        ),
        (
            "GET PATH HTTP/1.1",
            "a: " + "b" * (1 << 20),
            "431 Request Header Fields Too Large",
        ),
    ],
)
async def test_what_net_http_refuses_uses_no_token_up(
    node, container, line, headers, text
):
    url = await node.exec_url(container, "true", stdout=True)

    bad = await request(url, f"{line}\n{headers}")
    good = await request(url, websocket("v4.channel.k8s.io"))

    assert bad == (
        f"HTTP/1.1 {text}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Connection: close\r\n\r\n{text}".encode()
    )
    assert good.startswith(b"HTTP/1.1 101 Switching Protocols")


async def test_an_unknown_transfer_coding_is_not_implemented(node):
    base = node.runtime_process.streaming.base_url

    answer = await request(base, "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: gzip")

    assert answer.startswith(b"HTTP/1.1 501 Not Implemented\r\n")
    assert answer.endswith(b"\r\n\r\nUnsupported transfer encoding")


async def test_a_target_may_name_a_host_and_have_escapes(node, container):
    url = await node.exec_url(container, "true", stdout=True)
    head = websocket("v4.channel.k8s.io").replace("PATH", "http://proxied:1PATH")

    answer = await request(url.replace("/exec/", "/ex%65c/"), head)

    assert answer.startswith(b"HTTP/1.1 101 Switching Protocols")


async def test_close_from_the_client_ends_the_session_at_once(node, container):
    stream = await node.exec(
        container, "sleep", "1000", subprotocol="v4.channel.k8s.io"
    )

    stream.client.close()
    await stream.send()
    outcome = await stream.finish()

    assert outcome.status == b""
    assert outcome.close_code == 1000


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"stdout": True}, "missing required container_id"),
        (
            {"container_id": "x", "tty": True, "stdout": True, "stderr": True},
            "tty and stderr cannot both be true",
        ),
        ({"container_id": "x"}, "one of stdin, stdout, or stderr must be set"),
    ],
)
async def test_senseless_requests_get_no_url(node, fields, text):
    with pytest.raises(AioRpcError) as caught:
        await node.runtime.Exec(cri.ExecRequest(**fields))

    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == text


async def test_there_is_no_url_for_an_exited_container(node):
    container = await node.run("true")
    await node.exited(container)

    with pytest.raises(AioRpcError) as caught:
        await node.exec_url(container, "true", stdout=True)

    assert caught.value.code() == grpc.StatusCode.UNKNOWN
    assert caught.value.details() == "container is in CONTAINER_EXITED state"


async def test_an_idle_session_is_cut(node, container):
    node.runtime_process.streaming._idle_timeout = 0.05
    stream = await node.exec(container, "sleep", "1000")

    outcome = await stream.finish()

    assert (outcome.status, outcome.close_code) == (b"", 1006)


async def test_data_keeps_a_session_from_being_idle(node, container):
    node.runtime_process.streaming._idle_timeout = 0.5
    script = "for i in 1 2 3 4 5 6 7 8; do sleep 0.1; echo $i; done"

    stream = await node.exec(container, "sh", "-c", script)

    assert (await stream.finish()).close_code == 1000


async def test_a_port_forward_url_is_given_for_a_ready_sandbox_only(node):
    pod = await node.run_pod()
    wanted = cri.PortForwardRequest(pod_sandbox_id=pod, port=[80])

    url = (await node.runtime.PortForward(wanted)).url
    await node.runtime.StopPodSandbox(cri.StopPodSandboxRequest(pod_sandbox_id=pod))

    assert "/portforward/" in url
    with pytest.raises(AioRpcError, match="sandbox container is not running"):
        await node.runtime.PortForward(wanted)


@pytest.mark.parametrize("port", [0, -1, 65536])
async def test_a_port_that_cannot_be_is_told_on_its_error_channel(node, port):
    pod = await node.run_pod()
    wanted = cri.PortForwardRequest(pod_sandbox_id=pod, port=[port])
    url = (await node.runtime.PortForward(wanted)).url

    answer = await request(url, websocket("v4.channel.k8s.io"))

    text = f"error forwarding port {port} to pod {pod}, uid : invalid port {port}"
    assert answer.endswith(b"\x01" + text.encode() + bytes.fromhex("880203e8"))
    assert node.runtime_process.streaming.forwardings == 0


def test_the_handshake_of_the_tests_is_the_one_of_the_standard():
    assert ("Sec-WebSocket-Key", KEY) in client_handshake(KEY, [])
