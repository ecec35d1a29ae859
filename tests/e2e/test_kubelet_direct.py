"""The kubelet without an API server before it, as tools that monitor nodes use it.

Requests are written by hand and sent over a TLS socket with the API server's client
certificate: nothing of ours stands between them and the kubelet.
"""

from __future__ import annotations

import base64
import json
import random
import struct
from types import SimpleNamespace

import pytest

from certs.pki import Pki
from tests.support.background import Background
from tests.support.exec_client import server_url, stats
from tests.support.raw_request import ask, connect, read_answer

KEY = base64.b64encode(b"the sample nonce").decode()
STATUS = b'{"metadata":{},"status":"Success"}'


@pytest.fixture(scope="module")
def kubelet(cluster):
    """Where it listens, and the certificate that it takes for the API server's."""
    (node,) = cluster.get("nodes")["items"]
    port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
    pki = Pki(cluster.state / "pki")
    url = f"https://127.0.0.1:{port}"
    return SimpleNamespace(url=url, ca=pki.ca_cert, cert=pki.api_server_kubelet_client)


@pytest.fixture
def line(kubelet):
    """A TLS connection to it."""
    with connect(kubelet.url, kubelet.ca, kubelet.cert) as connection:
        yield connection


def request(method, target, *headers):
    lines = [f"{method} {target} HTTP/1.1", "Host: node", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def upgrade(target, protocol):
    lines = [
        f"GET {target} HTTP/1.1",
        "Host: node",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}",
        f"Sec-WebSocket-Protocol: {protocol}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def frame(payload):
    """A binary message of a client, masked with zeros."""
    return struct.pack("!BBI", 0x82, 0x80 | len(payload), 0) + payload


def until(connection, wanted):
    """What comes, up to the piece that brings what is wanted."""
    received = b""
    while wanted not in received:
        piece = connection.recv(4096)
        assert piece, f"the connection ended after {received!r}"
        received += piece
    return received


def messages(body):
    """The payloads of a server's frames; the last one is that of the close."""
    found, at = [], 0
    while at < len(body):
        length = body[at + 1]
        at += 2
        if length == 126:
            (length,) = struct.unpack_from("!H", body, at)
            at += 2
        found.append(body[at : at + length])
        at += length
    return found


def test_run_answers_with_the_output(line, shell):
    answer = ask(line, request("POST", f"/run/default/{shell}/{shell}?cmd=echo+hi"))

    assert (answer.status, answer.body) == (200, b"hi\n")


def test_exec_has_the_kubelets_own_names_for_streams(line, shell):
    query = (
        "command=sh&command=-c&command=cat%3Becho+err+1>%262&input=1&output=1&error=1"
    )
    target = f"/exec/default/{shell}/{shell}?{query}"

    # v5: the client can end its input, by closing channel 0.
    line.sendall(upgrade(target, "v5.channel.k8s.io"))
    line.sendall(frame(b"\x00out") + frame(b"\xff\x00"))
    answer = read_answer(line)

    assert answer.status == 101
    assert "Sec-WebSocket-Protocol: v5.channel.k8s.io" in answer.head
    opening, *told, status, close = messages(answer.body)
    assert opening in (b"", b"\x01", b"\x00", b"\x02")
    told = b"".join(sorted(message for message in told if len(message) > 1))
    assert told == b"\x01out\x02err\n"
    assert (status, close) == (b"\x03" + STATUS, struct.pack("!H", 1000))


def test_names_of_the_api_server_mean_nothing_to_a_kubelet(line, shell):
    target = f"/exec/default/{shell}/{shell}?command=true&stdout=true&stdin=true"

    line.sendall(upgrade(target, "v4.channel.k8s.io"))
    received = until(line, b"stderr")

    assert received.startswith(b"HTTP/1.1 400 ")
    text = b"you must specify at least 1 of stdin, stdout, stderr"
    assert received.endswith(b"\r\n\r\n" + text)


def test_attach_shows_what_the_container_says(cluster, line, fresh_name):
    # One process: others look at what their own clusters leave running.
    code = "import time\nwhile True: print('tick', flush=True); time.sleep(0.05)"
    pod = cluster.pod(fresh_name, "python3", "-c", code, image="python:3")

    line.sendall(upgrade(f"/attach/default/{pod}/{pod}?output=1", "v4.channel.k8s.io"))
    received = until(line, b"\x01tick\n")

    assert received.startswith(b"HTTP/1.1 101 ")


def test_a_port_is_reached_by_channels(cluster, line, fresh_name):
    port = 20000 + random.Random(fresh_name).randrange(10000)
    code = (
        "import os, socket\n"
        f"s = socket.create_server((os.environ['MINI_KUBE_POD_IP'], {port}))\n"
        "print('listening', flush=True)\n"
        "while True:\n    c = s.accept()[0]; c.sendall(c.recv(100).upper()); c.close()"
    )
    pod = cluster.pod(fresh_name, "python3", "-c", code, image="python:3")
    with Background(["mini-kubectl", "logs", "-f", pod], env=cluster.env) as log:
        log.line("listening")

    line.sendall(
        upgrade(f"/portForward/default/{pod}?port={port}", "v4.channel.k8s.io")
    )
    line.sendall(frame(b"\x00hello"))
    number = struct.pack("<H", port)
    received = until(line, b"\x00HELLO")

    body = received.partition(b"\r\n\r\n")[2]
    assert messages(body)[:2] == [b"\x00" + number, b"\x01" + number]


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", b"one\ntwo\n"),
        ("tail=1", b"two\n"),
        ("tailLines=1", b"two\n"),
        ("tail=all&limitBytes=5", b"one\nt"),
    ],
)
def test_container_logs_by_their_own_names(kubelet, talker, query, body):
    target = f"/containerLogs/default/{talker}/{talker}?{query}"

    with connect(kubelet.url, kubelet.ca, kubelet.cert) as line:
        answer = ask(line, request("GET", target))

    assert answer.status == 200
    assert "Transfer-Encoding: chunked" in answer.head
    assert "Content-Type" not in answer.head
    assert unchunked(answer.body) == body


@pytest.fixture(scope="module")
def talker(cluster):
    return cluster.pod("talker", "sh", "-c", "echo one; echo two; sleep 1000000")


def unchunked(body):
    found = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        found += rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]
    return found


def test_pods_and_numbers_are_there_for_who_may_ask(kubelet):
    for target, holds in (
        ("/pods", lambda text: json.loads(text)["kind"] == "PodList"),
        ("/stats/summary", lambda text: json.loads(text)["node"]["nodeName"]),
        ("/metrics/resource", lambda text: "node_cpu_usage_seconds_total" in text),
        ("/healthz", lambda text: text == "ok"),
    ):
        with connect(kubelet.url, kubelet.ca, kubelet.cert) as line:
            answer = ask(line, request("GET", target))
        assert answer.status == 200, target
        text = answer.body
        if "chunked" in answer.head:
            text = unchunked(text)
        assert holds(text.decode()), target


# What is no request, or breaks off: pieces of requests, bytes changed by chance.
SEEDS = range(150)
HEADS = (
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: x\r\n"
    b'Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a":',
    b"POST /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: x\r\n"
    b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}\r\nz",
    b"POST /exec/default/x/x?output=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
    b"Content-Type: application/x-www-form-urlencoded; charset=none\r\n\r\na=%f",
    b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    upgrade("/exec/default/shell/shell?output=1&command=true", "v5.channel.k8s.io"),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    random.Random(0).randbytes(64),
)


def test_no_garbage_leaves_a_traceback_in_a_log(cluster, kubelet):
    pki = Pki(cluster.state / "pki")
    servers = (
        (server_url(cluster), pki.admin),
        (kubelet.url, kubelet.cert),
    )

    for seed in SEEDS:
        chance = random.Random(seed)
        data = bytearray(chance.choice(HEADS))
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        data = data[: chance.randrange(1, 2 * len(data))]
        for url, cert in servers:
            with connect(url, kubelet.ca, cert) as line:
                line.sendall(data)

    stats(cluster)  # they still answer
    for name in cluster.pids():
        assert cluster.log(name).partition("Traceback")[1:] == ("", ""), name
