"""The streams of mini-kubectl, over a WebSocket and over SPDY, through all hops."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.support.background import Background

MIB = 1024 * 1024
_PATIENCE = 30.0

# Answers each connection with what it was sent, when that has ended.
ECHO = """
import os, socket, threading
def serve(s):
    with s:
        parts = []
        while data := s.recv(65536): parts.append(data)
        s.sendall(b"".join(parts))
listener = socket.create_server((os.environ["MINI_KUBE_POD_IP"], 7000))
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


class Client:
    """mini-kubectl over one transport."""

    launcher = ()  # what starts it in the background

    def __init__(self, cluster, env):
        self._cluster = cluster
        self._env = env

    def __call__(self, *arguments, **options):
        return self._cluster.run("mini-kubectl", *arguments, env=self._env, **options)

    def background(self, *arguments):
        env = {**self._cluster.env, **self._env}
        return Background([*self.launcher, "mini-kubectl", *arguments], env=env)


@pytest.fixture(params=["websocket", "spdy"])
def client(request, cluster):
    switch = "false" if request.param == "spdy" else "true"
    names = ("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "KUBECTL_PORT_FORWARD_WEBSOCKETS")
    return Client(cluster, dict.fromkeys(names, switch))


@pytest.fixture(scope="module")
def echo(cluster):
    """A pod that listens on port 7000, which it calls `talk`."""
    container = {
        "name": "echo",
        "image": "busybox",
        "command": [sys.executable, "-c", ECHO],
        "ports": [{"name": "talk", "containerPort": 7000}],
        "readinessProbe": {"tcpSocket": {"port": 7000}, "periodSeconds": 1},
    }
    return cluster.pod("mini-echo", containers=[container])


@pytest.fixture(scope="module")
def web(cluster):
    return cluster.pod("mini-web", image="nginx")


@contextmanager
def forwarded(client, *arguments):
    """The local ports of what mini-kubectl forwards, in its order."""
    wanted = [word for word in arguments[1:] if not word.startswith("-")]
    with client.background(
        "port-forward", "--address=127.0.0.1", *arguments
    ) as running:
        lines = [running.line("Forwarding from 127.0.0.1:") for _ in wanted]
        yield running, [int(re.search(r":(\d+) ->", line)[1]) for line in lines]


def through(port, data):
    """Send all, end, and read all."""
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = bytearray()
        while piece := connection.recv(65536):
            received += piece
        return bytes(received)


def test_exec_ends_with_the_code_of_the_command(client, shell):
    done = client("exec", shell, "--", "sh", "-c", "echo out; echo err >&2; exit 42")

    assert (done.returncode, done.stdout) == (42, "out\n")
    assert done.stderr == "err\ncommand terminated with exit code 42\n"


def test_exec_i_of_ten_mebibytes(client, shell):
    data = os.urandom(10 * MIB)

    done = client("exec", "-i", shell, "--", "sha256sum", stdin=data)

    assert done.stdout.split()[0] == hashlib.sha256(data).hexdigest()


def test_a_trace_shows_the_session_on_every_hop(client, shell):
    done = client("exec", "--trace", shell, "--", "sh", "-c", "echo out; exit 3")

    assert (done.returncode, done.stdout) == (3, "out\n")
    told = [line for line in done.stderr.splitlines() if "stdout" in line]
    assert len([line for line in told if line.endswith("(4 B)")]) >= 4
    carriers = {"spdy", "channel"} & {word for line in told for word in line.split()}
    assert len(carriers) == 1


def test_a_missing_pod_is_told_once(client):
    done = client("exec", "no-such-pod", "--", "true")

    assert (done.returncode, done.stderr) == (
        1,
        'Error from server (NotFound): pods "no-such-pod" not found\n',
    )


def test_a_get_through_a_forwarded_port(client, web):
    with forwarded(client, f"pod/{web}", ":80") as (running, [port]):
        request = b"GET / HTTP/1.0\r\nHost: web\r\n\r\n"
        answer = through(port, request)
        running.line(f"Handling connection for {port}")

    assert answer.startswith(b"HTTP/1.")
    assert b" 200 " in answer.split(b"\r\n")[0]


def test_sigint_ends_it_also_in_the_background_of_a_shell(client, web):
    """Where a shell has SIGINT ignored for its jobs, kubectl listens for it all the same."""
    client.launcher = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")

    with forwarded(client, f"pod/{web}", ":80") as (running, _):
        os.kill(running.pid, signal.SIGINT)

        assert running.wait() == 0


def test_many_connections_through_one_forward(client, echo):
    texts = [b"number %d " % number * 1000 for number in range(60)]

    with (
        forwarded(client, echo, ":talk") as (_, [port]),
        ThreadPoolExecutor(16) as pool,
    ):
        assert list(pool.map(lambda text: through(port, text), texts)) == texts


def test_much_both_ways(client, echo):
    data = os.urandom(32 * MIB)

    with forwarded(client, echo, ":7000") as (_, [port]):
        received = through(port, data)

    assert hashlib.sha256(received).digest() == hashlib.sha256(data).digest()


def test_a_dead_port_does_not_harm_the_living(client, echo):
    with forwarded(client, echo, ":7000", ":7001") as (running, [good, dead]):
        before = socket.create_connection(("127.0.0.1", good), timeout=_PATIENCE)
        before.sendall(b"before")
        assert through(dead, b"anybody?") == b""
        before.shutdown(socket.SHUT_WR)
        assert before.recv(100) == b"before"
        before.close()
        assert through(good, b"after") == b"after"
        os.kill(running.pid, signal.SIGINT)
        assert running.wait() == 0
        assert "error forwarding port 7001 to pod" in running.error
        assert f"an error occurred forwarding {dead} -> 7001: " in running.error


def test_a_connection_that_is_reset_does_not_harm_the_others(client, echo):
    with forwarded(client, echo, ":7000") as (_, [port]):
        rude = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        rude.sendall(b"x" * 100_000)
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        rude.close()

        assert through(port, b"polite") == b"polite"


def test_a_pod_that_goes_ends_the_forwarding(client, cluster):
    name = cluster.pod("mini-gone")
    with client.background("port-forward", name, ":80") as running:
        running.line("Forwarding from")
        client("delete", "pod", name, "--grace-period=1", check=True)

        assert running.wait() == 1
        assert running.error.endswith("error: lost connection to pod\n")


@pytest.mark.usefixtures("echo")
def test_a_service_is_reached_by_its_own_port(client, cluster):
    cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "mini-echo"},
            "spec": {
                "selector": {"app": "mini-echo"},
                "ports": [{"name": "say", "port": 80, "targetPort": "talk"}],
            },
        }
    )
    try:
        for word in (":80", ":say"):
            with forwarded(client, "service/mini-echo", word) as (_, [port]):
                assert through(port, b"hello") == b"hello"
    finally:
        client("delete", "service", "mini-echo")


def test_a_port_in_use_is_told(client, echo):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = client("port-forward", "--address=127.0.0.1", echo, f"{port}:7000")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Unable to listen on port {port}: Listeners failed to create with the"
        " following errors: [unable to create listener: Error listen tcp4"
        f" 127.0.0.1:{port}: bind: address already in use]\n"
        "error: unable to listen on any of the requested ports:"
        f" [{{{port} 7000}}]\n"
    )


def make_tree(folder):
    (folder / "sub").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "big").write_bytes(os.urandom(5 * MIB))
    (folder / "sub" / "it's [a] *name* ü\n").write_text("text\n")
    (folder / ("n" * 200)).write_text("long\n")
    (folder / "nothing").touch()
    return folder


def digests(folder):
    """Each file with the digest of its content, each folder with none."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        )
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("flags", [[], ["--retries=3"]])
def test_a_tree_goes_there_and_comes_back_the_same(
    client, shell, tmp_path, fresh_name, flags
):
    name = fresh_name
    tree = make_tree(tmp_path / name)

    there = client("cp", str(tree), f"{shell}:{name}", "--no-preserve")
    back = client("cp", f"default/{shell}:{name}", str(tmp_path / "back"), *flags)

    assert (there.returncode, there.stdout, there.stderr) == (0, "", "")
    assert (back.returncode, back.stdout, back.stderr) == (0, "", "")
    assert digests(tmp_path / "back") == digests(tree)


def test_a_file_is_copied_into_a_folder(client, shell, tmp_path, fresh_name):
    name = fresh_name
    (tmp_path / "file").write_text("content\n")
    client("exec", shell, "--", "mkdir", name, check=True)

    client("cp", str(tmp_path / "file"), f"{shell}:{name}", check=True)

    shown = client("exec", shell, "--", "cat", f"{name}/file", check=True)
    assert shown.stdout == "content\n"


def test_links_go_there_and_are_told_of_when_they_come_back(
    client, shell, tmp_path, fresh_name
):
    name = fresh_name
    (tmp_path / name).mkdir()
    (tmp_path / name / "link").symlink_to("/etc/passwd")
    (tmp_path / name / "file").touch()

    client("cp", str(tmp_path / name), f"{shell}:{name}", check=True)
    back = client("cp", f"{shell}:{name}", str(tmp_path / "back"))

    shown = client("exec", shell, "--", "readlink", f"{name}/link", check=True)
    assert shown.stdout == "/etc/passwd\n"
    assert back.returncode == 0
    assert back.stderr.startswith("warning: skipping symlink: ")
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["file"]


def test_what_is_not_there_is_told(client, shell, tmp_path):
    source, target = str(tmp_path / "none"), f"{shell}:x"

    up, down = client("cp", source, target), client("cp", f"{shell}:no-such", source)

    assert up.stderr == f"error: {source} doesn't exist in local filesystem\n"
    assert "no-such" in down.stdout
    assert down.stderr == "command terminated with exit code 2\n"
    assert (up.returncode, down.returncode) == (1, 2)
