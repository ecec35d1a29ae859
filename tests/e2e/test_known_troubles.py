"""Troubles that real systems have had with streams, by their kubernetes/kubernetes issue.

What concerns the translation from WebSocket to SPDY (73056, 128314, 133448) is also in
tests/integration/streaming, where a test can play the other side.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
from contextlib import contextmanager

import pytest

from hops.blocking.admin import call_admin
from tests.support.background import Background
from tests.support.kubectls import kubectls
from tests.support.terminal import Terminal
from wire.http1 import HeadReader, RequestHead, encode_request_head
from wire.remotecommand import PongReceived, RemoteCommandClient, StreamOptions
from wire.websocket_handshake import client_handshake

MIB = 1024 * 1024

# Resets the connection when it is told to, else answers with what it got.
MOODY = """
import os, socket, struct, threading
def serve(s):
    data = s.recv(100)
    if data == b"reset":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    else:
        s.sendall(data)
    s.close()
listener = socket.create_server((os.environ["MINI_KUBE_POD_IP"], 7000))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


every_client = pytest.mark.parametrize(
    "client", ["1.29", "1.37", "mini"], indirect=True
)


@pytest.fixture
def client(request):
    """1.29 speaks SPDY, 1.37 and our own speak WebSocket."""
    if request.param == "mini":
        return "mini-kubectl"
    found = kubectls(request.param)
    if not found:
        pytest.skip(f"kubectl {request.param} cannot be had on this machine")
    return str(found[0].path)


@every_client
def test_124571_the_tail_of_the_output_is_not_lost(cluster, shell, client):
    """Much output, a client that is slow to read, and a command that ends at once."""
    command = [client, "exec", shell, "--", "sh", "-c", "seq 1 1000000; echo the end"]
    slow = f"sleep 0.5; {sys.executable} -c 'import sys; print(sys.stdin.read()[-8:])'"

    with subprocess.Popen(command, env=cluster.env, stdout=subprocess.PIPE) as process:
        shown = subprocess.run(
            ["sh", "-c", slow], stdin=process.stdout, capture_output=True, check=True
        )

    assert shown.stdout.strip() == b"the end"
    assert process.returncode == 0


# Over SPDY, which 1.29 speaks, kubectl itself takes the end of a connection for success.
@pytest.mark.parametrize("client", ["1.37", "mini"], indirect=True)
def test_73056_a_cut_connection_is_no_success(cluster, shell, client):
    command = [client, "exec", shell, "--", "sh", "-c", "echo up; sleep 1000"]

    with Background(command, env=cluster.env) as running:
        running.line("up")
        (kubelet,) = [pid for n, pid in cluster.pids().items() if "kubelet" in n]
        os.kill(kubelet, signal.SIGKILL)
        code = running.wait()

    cluster.mini_kube("up")
    assert code == 1
    assert running.error


@every_client
@pytest.mark.parametrize("size", [0, 1, 100_000, 3 * MIB])
def test_89899_the_end_of_stdin_reaches_the_command(cluster, shell, client, size):
    data = os.urandom(size)

    done = cluster.run(
        client, "exec", "-i", shell, "--", "sha256sum", stdin=data, timeout=30
    )

    assert done.stdout.split()[0] == hashlib.sha256(data).hexdigest()


def test_128314_a_ping_reaches_every_hop(cluster, shell, tmp_path):
    """So none of the connections is cut for idleness. The far end answers."""
    options = StreamOptions(stdout=True)
    core = RemoteCommandClient("v5.channel.k8s.io", options)
    path = f"/api/v1/namespaces/default/pods/{shell}/exec?stdout=1&command=sleep"
    with traced(cluster, tmp_path), connected(cluster) as connection:
        connection.sendall(upgrade(f"{path}&command=1000"))
        reader = HeadReader("response")
        while (head := reader.receive_data(connection.recv(65536))) is None:
            pass
        core.receive_data(reader.leftover)

        core.ping(b"are you there")
        connection.sendall(b"".join(core.data_to_send()))
        events = []
        while not any(isinstance(event, PongReceived) for event in events):
            events += core.receive_data(connection.recv(65536))

    assert head.status == 101
    assert PongReceived(b"are you there") in events
    pinged = {event["hop"] for event in events_of(tmp_path) if event["type"] == "ping"}
    assert {"apiserver-kubelet", "kubelet-cri-streaming"} <= pinged


@contextmanager
def traced(cluster, folder):
    """All services write their traces to the folder."""
    sockets = [str(path) for path in cluster.folder.rglob("*.admin")]
    for path in sockets:
        call_admin(path, {"cmd": "trace", "dir": str(folder)})
    try:
        yield
    finally:
        for path in sockets:
            call_admin(path, {"cmd": "trace", "dir": None})


def events_of(folder):
    lines = (
        line for path in folder.iterdir() for line in path.read_text().splitlines()
    )
    return [event for event in map(json.loads, lines) if "type" in event]


def connected(cluster):
    """A socket to the API server, as the administrator."""
    server = re.search(r"https://([\d.]+):(\d+)", cluster.kubeconfig.read_text())
    host, port = server[1], int(server[2])
    pki = cluster.state / "pki"
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    plain = socket.create_connection((host, port), timeout=30)
    return context.wrap_socket(plain, server_hostname=host)


def upgrade(target):
    handshake = client_handshake("dGhlIHNhbXBsZSBub25jZQ==", ["v5.channel.k8s.io"])
    return encode_request_head(RequestHead("GET", target, [("Host", "x"), *handshake]))


def test_133448_a_runtime_that_dies_after_the_upgrade_is_an_error(cluster, shell):
    """The upgrade is accepted, and then there is nobody."""
    command = ["mini-kubectl", "exec", shell, "--", "sh", "-c", "echo up; sleep 1000"]

    with Background(command, env=cluster.env) as running:
        running.line("up")
        (runtime,) = [pid for n, pid in cluster.pids().items() if n.startswith("cri")]
        os.kill(runtime, signal.SIGKILL)
        code = running.wait()

    cluster.mini_kube("up")
    assert code == 1
    assert running.error


@pytest.fixture(scope="module")
def moody(cluster):
    return cluster.pod("moody", sys.executable, "-c", MOODY)


@every_client
def test_74551_one_broken_connection_leaves_the_others_alone(cluster, moody, client):
    command = [client, "port-forward", f"pod/{moody}", ":7000", "--address=127.0.0.1"]

    with Background(command, env=cluster.env) as running:
        port = int(re.search(r":(\d+) ->", running.line("-> 7000"))[1])
        answers = [ask(port, word) for word in (b"one", b"reset", b"two", b"three")]
        abandon(port)
        answers.append(ask(port, b"four"))

    assert answers == [b"one", b"", b"two", b"three", b"four"]


def ask(port, word):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(word)
        try:
            return connection.recv(100)
        except ConnectionResetError:
            return b""


def abandon(port):
    """A local connection that is reset."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(b"x")
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()


@every_client
def test_60140_a_large_copy_out_is_whole(cluster, shell, client, tmp_path):
    script = f"head -c {64 * MIB} /dev/urandom > large; sha256sum < large"
    made = cluster.mini_kubectl("exec", shell, "--", "sh", "-c", script, check=True)

    done = cluster.run(client, "cp", f"{shell}:large", str(tmp_path / "large"))

    assert done.returncode == 0, done.stderr
    copied = hashlib.sha256((tmp_path / "large").read_bytes()).hexdigest()
    assert copied == made.stdout.split()[0]


@every_client
def test_27264_a_quick_command_loses_no_line(cluster, client):
    for number in range(5):
        name = f"quick-{len(client)}-{number}"
        arguments = ["run", name, "-i", "--rm", "--restart=Never", "--image=busybox"]

        done = cluster.run(
            client, *arguments, "--", "sh", "-c", "echo first; echo last"
        )

        assert done.returncode == 0, done.stderr
        assert "first\nlast\n" in done.stdout


@every_client
def test_47990_the_first_size_of_the_terminal_is_right(cluster, shell, client):
    for columns in range(90, 95):
        command = [client, "exec", "-it", shell, "--", "stty", "size"]
        with Terminal(command, env=cluster.env, columns=columns, lines=31) as terminal:
            terminal.expect(f"31 {columns}\r\n")
            assert terminal.wait() == 0


@every_client
def test_89031_the_command_outlives_a_client_that_goes(cluster, shell, client):
    """As under containerd: its stdin ends, nobody kills it, its output goes nowhere."""
    mark = f"outlived-{len(client)}"
    script = f"echo up; cat > /dev/null; seq 100000; sleep 0.2; touch {mark}"
    command = [client, "exec", "-i", shell, "--", "sh", "-c", script]

    with subprocess.Popen(
        command, env=cluster.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"up\n"
        process.kill()

    waiting = f"until [ -e {mark} ]; do sleep 0.05; done"
    done = cluster.mini_kubectl("exec", shell, "--", "sh", "-c", waiting, timeout=30)
    assert done.returncode == 0
