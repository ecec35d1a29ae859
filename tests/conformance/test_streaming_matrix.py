"""Streams of real kubectls of many versions, over both transports where there are two.

A row of the closing table is a scenario over a transport, a column is a version, the last
one our own. The suite has four versions, `make conformance-kubectl` has all of them.
Versions before the switch of 1.29 (port-forward: 1.30) speak SPDY only and have no second
cell.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from hops.blocking.admin import call_admin
from tests.support.background import Background
from tests.support.kubectls import STREAMING_VERSIONS, transports
from tests.support.terminal import Terminal

MIB = 1024 * 1024
TRANSPORTS = ("spdy", "websocket")
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


def streams(*, port_forward=False, since=0):
    """Run a test with each version over each of its transports."""
    pairs = [
        pytest.param(version, transport, id=f"{version}-{transport}")
        for transport in TRANSPORTS
        for version in (*STREAMING_VERSIONS, "mini")
        if transport in transports(modelled(version), port_forward=port_forward)
        and minor_of(version) >= since
    ]
    return pytest.mark.parametrize(
        ("kubectl", "transport"), pairs, indirect=["kubectl"]
    )


def modelled(version):
    """The version of the real kubectl; ours says and does what 1.36 does."""
    return "1.36" if version == "mini" else version


def minor_of(version):
    return int(modelled(version).split(".")[1])


class Client:
    """A kubectl that streams over one transport."""

    def __init__(self, kubectl, env, base):
        self.path = kubectl.path
        self.version = kubectl.version
        self.minor = minor_of(kubectl.version)
        self.env = {**base, **env}
        self._kubectl = kubectl
        self._extra = env
        self.is_websocket = "true" in env.values()

    def __call__(self, *arguments, **options):
        return self._kubectl(*arguments, env=self._extra, **options)

    def background(self, *arguments):
        return Background([self.path, *arguments], env=self.env)

    def terminal(self, *arguments):
        command = [self.path, *arguments]
        return Terminal(command, env=self.env, columns=100, lines=30)

    def own(self, name):
        version = self.version.removeprefix("1.")
        return f"{name}-{version}-{'w' if self.is_websocket else 's'}"


@pytest.fixture
def client(kubectl, transport, cluster):
    env = {
        **transports(modelled(kubectl.version)).get(transport, {}),
        **transports(modelled(kubectl.version), port_forward=True).get(transport, {}),
    }
    if kubectl.version == "1.22":
        # kubernetes/kubectl issue 1098: with them its `run` never returns.
        env["KUBECTL_COMMAND_HEADERS"] = "false"
    return Client(kubectl, env, cluster.env)


@pytest.fixture(scope="session")
def echo(cluster):
    """A pod that listens on port 7000."""
    return cluster.pod("echo", sys.executable, "-c", ECHO)


def succeeded(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


@streams()
def test_exec_ends_with_the_code_of_the_command(client, shell):
    for code in (0, 1, 42):
        script = f"echo out; echo err >&2; exit {code}"
        done = client("exec", shell, "--", "sh", "-c", script)

        told = f"command terminated with exit code {code}\n" if code else ""
        assert (done.returncode, done.stdout) == (code, "out\n")
        assert done.stderr == f"err\n{told}"


@streams()
def test_exec_of_a_missing_command(client, shell):
    done = client("exec", shell, "--", "no-such-command")

    assert (done.returncode, done.stdout) == (1, "")
    wrapped = 2 if client.is_websocket else 1
    assert done.stderr.startswith("error: " + wrapped * "Internal error occurred: ")
    assert 'exec: "no-such-command": executable file not found in $PATH' in done.stderr


@streams()
def test_exec_i_of_ten_mebibytes(client, shell):
    data = os.urandom(10 * MIB)

    digest = succeeded(client("exec", "-i", shell, "--", "sha256sum", stdin=data))

    assert digest.split()[0] == hashlib.sha256(data).hexdigest()


@streams()
def test_exec_it(client, shell):
    arguments = ["exec", "-it", shell, "--", "env", "PS1=> ", "sh"]

    with client.terminal(*arguments) as terminal:
        terminal.expect("> ")
        terminal.send_line("stty size")
        terminal.expect("30 100\r\n")
        terminal.resize(90, 20)
        terminal.send_line(
            "until [ \"$(stty size)\" = '20 90' ]; do :; done; echo ok$?"
        )
        terminal.expect("ok0\r\n")
        # A shell may lose an interrupt between fork and exec: only what is seen to run
        # is interrupted.
        terminal.send_line("sh -c 'echo u\"\"p; exec cat'")
        terminal.expect("up\r\n")
        terminal.send_line("it runs")
        terminal.expect("it runs\r\nit runs\r\n")
        terminal.control("c")
        terminal.expect("^C")
        terminal.expect("> ")
        terminal.send_line("exit 7")
        assert terminal.wait() == 7


@streams()
def test_attach(client, cluster):
    name = client.own("attach")
    script = "until [ -e go ]; do sleep 0.05; done; echo one; echo two >&2; sleep 0.2"
    cluster.pod(name, "sh", "-c", script, restartPolicy="Never")

    with client.background("attach", name) as attached:
        wait_for_attachment(cluster)
        # The container may end before `touch` does, and takes it along.
        cluster.mini_kubectl("exec", name, "--", "touch", "go")
        code = attached.wait()

    assert (code, attached.lines) == (0, ["one"])
    assert attached.error.endswith("two\n")


def wait_for_attachment(cluster):
    """Nothing tells a client of attach that it is attached, but the runtime knows."""
    (path,) = cluster.folder.rglob("cri-*.admin")
    deadline = time.monotonic() + _PATIENCE
    while "attach" not in call_admin(str(path), {"cmd": "stats"})["spawned"]:
        assert time.monotonic() < deadline


@streams()
def test_attach_it(client, cluster):
    name = client.own("attach-it")
    container = {
        "name": name,
        "image": "busybox",
        "command": ["env", "PS1=> ", "sh"],
        "stdin": True,
        "stdinOnce": True,
        "tty": True,
    }
    cluster.pod(name, containers=[container], restartPolicy="Never")

    with client.terminal("attach", "-it", name) as terminal:
        # What is typed may overtake the size, which has a stream of its own.
        terminal.send_line(
            "until [ \"$(stty size)\" = '30 100' ]; do :; done; echo ok$?"
        )
        terminal.expect("ok0\r\n")
        terminal.send_line("echo do''ne; exit")
        terminal.expect("done\r\n")
        assert terminal.wait() == 0


@streams()
def test_run_it_rm(client, cluster):
    name = client.own("run-it")
    arguments = ["run", name, "-it", "--rm", "--restart=Never", "--image=busybox"]

    with client.terminal(*arguments, "--", "env", "PS1=> ", "sh") as terminal:
        terminal.expect("try pressing enter.")
        terminal.send_line("")
        terminal.expect("> ")
        terminal.send_line(
            "until [ \"$(stty size)\" = '30 100' ]; do :; done; echo ok$?"
        )
        terminal.expect("ok0\r\n")
        terminal.send_line("exit 0")
        terminal.expect("deleted")
        assert terminal.wait() == 0

    assert client("get", "pod", name).returncode == 1


@streams()
def test_run_i_of_a_quick_command_loses_nothing(client):
    name = client.own("quick")
    arguments = ["run", name, "-i", "--rm", "--restart=Never", "--image=busybox"]

    done = client(*arguments, "--", "sh", "-c", "echo first; echo last; exit 3")

    # kubectl 1.20 sees no code of a command that ends before it is attached
    assert done.returncode in ((3,) if client.minor > 20 else (3, 0, 1))
    assert "first\n" in done.stdout
    assert "last\n" in done.stdout


@contextmanager
def forwarded(client, pod, *ports):
    """Local ports, in the order of `ports`, while kubectl forwards them."""
    arguments = ["port-forward", f"pod/{pod}", "--address=127.0.0.1"]
    with client.background(*arguments, *(f":{port}" for port in ports)) as running:
        local = []
        for port in ports:
            line = running.line(f"-> {port}")
            local.append(int(re.search(r":(\d+) ->", line)[1]))
        yield running, local


def through(port, data):
    """Send all, end, and read all."""
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = bytearray()
        while piece := connection.recv(65536):
            received += piece
        return bytes(received)


@streams(port_forward=True)
def test_port_forward_of_many_connections(client, echo):
    texts = [b"number %d " % number * 1000 for number in range(40)]

    with forwarded(client, echo, 7000) as (_, [port]), ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: through(port, text), texts)) == texts


@streams(port_forward=True)
def test_port_forward_of_much_both_ways(client, echo):
    data = os.urandom(16 * MIB)

    with forwarded(client, echo, 7000) as (_, [port]):
        received = through(port, data)

    assert hashlib.sha256(received).digest() == hashlib.sha256(data).digest()


@streams(port_forward=True)
def test_port_forward_to_a_port_where_nobody_listens(client, echo):
    with forwarded(client, echo, 7000, 7001) as (running, [good, dead]):
        assert through(good, b"before") == b"before"
        assert through(dead, b"anybody?") == b""
        if client.version == "mini":
            assert through(good, b"after") == b"after"
        elif client.minor >= 23:
            # One failed connection ends kubectl; 1.23 to 1.26 thought that well.
            code = running.wait()
            assert code == (0 if client.minor < 27 else 1)
            assert "error forwarding port 7001 to pod" in running.error
            assert "connect: connection refused" in running.error
            assert "lost connection to pod" in running.error
        else:
            assert through(good, b"after") == b"after"


@streams()
def test_logs_f(client, cluster):
    name = client.own("logs")
    script = "echo one; until [ -e go ]; do sleep 0.05; done; echo two"
    cluster.pod(name, "sh", "-c", script, restartPolicy="Never")

    with client.background("logs", "-f", name) as logs:
        logs.line("one")
        # The container may end before `touch` does, and takes it along.
        cluster.mini_kubectl("exec", name, "--", "touch", "go")
        logs.line("two")
        assert logs.wait() == 0


@streams()
def test_cp_in(client, cluster, shell, tmp_path):
    name = client.own("in")
    tree = make_tree(tmp_path / name)

    succeeded(client("cp", str(tree), f"{shell}:{name}"))

    script = f"cd {name} && cat small sub/text && sha256sum < big"
    shown = cluster.mini_kubectl("exec", shell, "--", "sh", "-c", script, check=True)
    digest = hashlib.sha256((tree / "big").read_bytes()).hexdigest()
    assert shown.stdout.split() == ["small", "text", digest, "-"]


@streams()
def test_cp_out(client, cluster, shell, tmp_path):
    name = client.own("out")
    script = (
        f"mkdir -p {name}/sub && cd {name} && echo text > sub/text && seq 300000 > big"
    )
    cluster.mini_kubectl("exec", shell, "--", "sh", "-c", script, check=True)

    succeeded(client("cp", f"{shell}:{name}", str(tmp_path / "copy")))

    assert (tmp_path / "copy" / "sub" / "text").read_text() == "text\n"
    expected = "".join(f"{n}\n" for n in range(1, 300001))
    assert (tmp_path / "copy" / "big").read_text() == expected


def make_tree(folder):
    (folder / "sub").mkdir(parents=True)
    (folder / "small").write_text("small\n")
    (folder / "sub" / "text").write_text("text\n")
    (folder / "big").write_bytes(os.urandom(3 * MIB))
    return folder


# 1.20 and 1.21 use an API that servers lost with 1.25.
@streams(since=22)
def test_debug(client, cluster):
    name = client.own("debugged")
    cluster.pod(name)
    arguments = ["debug", "-it", name, "--image=busybox", "--container=tool"]

    with client.terminal(*arguments, "--", "env", "PS1=> ", "sh") as terminal:
        terminal.expect("try pressing enter.")
        terminal.send_line("")
        terminal.expect("> ")
        terminal.send_line("echo from''here")
        terminal.expect("fromhere\r\n")
        terminal.send_line("exit")
        terminal.wait()

    statuses = cluster.get("pod", name)["status"]["ephemeralContainerStatuses"]
    assert [status["name"] for status in statuses] == ["tool"]
