"""Real kubectls, over SPDY, against a server built on our cores.

The kubectls are the plain binaries that Google's cloud SDK keeps beside its `kubectl`.
"""

import hashlib
import os
import re
import shutil
import socket
import subprocess
import termios
from pathlib import Path

import pytest

from tests.conformance.spdy_stub import REFUSED, Command, SpdyStub
from wire.portforward import forwarding_error

pytestmark = pytest.mark.conformance

VERSIONS = [f"1.{minor}" for minor in range(27, 34)]
BLOB = bytes(range(256)) * 16 * 1024  # 4 MiB


def sdk_kubectl(version):
    dispatcher = shutil.which("kubectl")
    if dispatcher is None:
        return None
    path = Path(dispatcher).resolve().with_name(f"kubectl.{version}")
    return path if os.access(path, os.X_OK) else None


@pytest.fixture(params=VERSIONS)
def kubectl(request, tmp_path):
    """A function that starts this kubectl with SPDY for exec."""
    path = sdk_kubectl(request.param)
    if path is None:
        pytest.skip(f"no kubectl.{request.param} of Google's cloud SDK on this machine")
    environment = {
        "HOME": str(tmp_path),
        "KUBECONFIG": str(tmp_path / "none"),
        "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false",
    }

    started = []

    def start(stub, *arguments, **options):
        process = subprocess.Popen(
            [path, "--server", stub.url, *arguments],
            env=environment | options.pop("env", {}),
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with process:  # waits, and closes the pipes
            process.kill()


class Cat(Command):
    def on_stdin(self, data):
        self.session.send_stdout(data)

    def on_stdin_closed(self):
        self.exit(0)


class Fail(Command):
    def start(self, code):
        self.session.send_stdout(b"to stdout\n")
        self.session.send_stderr(b"to stderr\n")
        self.exit(int(code))


class Blob(Command):
    def start(self):
        self.session.send_stdout(BLOB)
        self.exit(0)


class Digest(Command):
    def __init__(self, session):
        super().__init__(session)
        self._digest = hashlib.sha256()

    def on_stdin(self, data):
        self._digest.update(data)

    def on_stdin_closed(self):
        self.session.send_stdout(self._digest.hexdigest().encode())
        self.exit(0)


class Size(Command):
    """Tells the first size of the terminal, then ends."""

    def on_resize(self, size):
        if not self.session.closed:
            self.session.send_stdout(b"%dx%d\r\n" % (size.width, size.height))
            self.exit(3)


COMMANDS = {"cat": Cat, "fail": Fail, "blob": Blob, "digest": Digest, "size": Size}


@pytest.mark.parametrize("code", [0, 1, 42, 137])
def test_exec_gives_both_outputs_and_the_exit_code(kubectl, code):
    with SpdyStub(COMMANDS) as stub:
        process = kubectl(stub, "exec", "p", "--", "fail", str(code))
        stdout, stderr = process.communicate(timeout=60)

    [(head, protocol, _)] = stub.upgrades
    assert (head.method, protocol) == ("POST", "v4.channel.k8s.io")
    assert stdout == b"to stdout\n"
    assert b"to stderr\n" in stderr
    assert process.returncode == code


def test_exec_ends_when_stdin_does(kubectl):
    with SpdyStub(COMMANDS) as stub:
        process = kubectl(stub, "exec", "-i", "p", "--", "cat", stdin=subprocess.PIPE)
        stdout, stderr = process.communicate(b"one line\n", timeout=60)

    assert (stdout, process.returncode) == (b"one line\n", 0), stderr


def test_large_output_arrives_whole(kubectl):
    with SpdyStub(COMMANDS) as stub:
        process = kubectl(stub, "exec", "p", "--", "blob")
        stdout, _ = process.communicate(timeout=60)

    assert stdout == BLOB
    assert process.returncode == 0


def test_large_input_arrives_whole(kubectl):
    with SpdyStub(COMMANDS) as stub:
        process = kubectl(
            stub, "exec", "-i", "p", "--", "digest", stdin=subprocess.PIPE
        )
        stdout, _ = process.communicate(BLOB, timeout=60)

    assert stdout == hashlib.sha256(BLOB).hexdigest().encode()
    assert process.returncode == 0


def test_a_terminal_sends_its_size(kubectl):
    controller, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (30, 100))
    streams = {"stdin": terminal, "stdout": terminal}
    with SpdyStub(COMMANDS) as stub:
        process = kubectl(stub, "exec", "-it", "p", "--", "size", **streams)
        os.close(terminal)  # so that reading ends with kubectl, come what may
        shown = os.read(controller, 1024)
        _, stderr = process.communicate(timeout=60)
    os.close(controller)

    assert shown == b"100x30\r\n", stderr
    assert process.returncode == 3


class Upper:
    """A port that answers in upper case, and ends when its client does."""

    def __init__(self, session, forward):
        self._session, self._forward = session, forward

    def on_data(self, data):
        self._session.send_data(self._forward, data.upper())

    def on_half_closed(self):
        self._session.send_data(self._forward, b" - the end")
        self._session.end(self._forward)


def local_port(process):
    """The port that kubectl says it listens on."""
    line = process.stdout.readline().decode()
    return int(re.match(r"Forwarding from 127.0.0.1:(\d+) -> ", line)[1])


def talk(port, payload):
    """Send all, half-close, and read to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.sendall(payload)
        sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def stop(process):
    process.terminate()
    process.communicate(timeout=60)


# The tunnel is the default from 1.31 on, and there since 1.30.
BEFORE_TUNNELS = ("1.27", "1.28", "1.29")
CARRIERS = {"spdy": "false", "tunnel": "true"}


@pytest.fixture(params=CARRIERS)
def forwarding(request, kubectl):
    """A function that starts `kubectl port-forward` on this carrier."""
    env = {"KUBECTL_PORT_FORWARD_WEBSOCKETS": CARRIERS[request.param]}

    def start(stub, port):
        return kubectl(stub, "port-forward", "pod/p", f":{port}", env=env)

    return start


def test_port_forward_carries_connections_one_after_another(forwarding, request):
    with SpdyStub(ports={8080: Upper}) as stub:
        process = forwarding(stub, 8080)
        port = local_port(process)

        answers = [talk(port, text) for text in (b"one", b"two", bytes(1_000_000))]

        stop(process)
    is_tunnel = "tunnel" in request.node.name
    has_tunnel = not any(old in request.node.name for old in BEFORE_TUNNELS)
    [(head, *_)] = stub.upgrades
    assert head.method == ("GET" if is_tunnel and has_tunnel else "POST")
    assert answers == [
        b"ONE - the end",
        b"TWO - the end",
        bytes(1_000_000) + b" - the end",
    ]


def test_port_forward_carries_connections_at_once(forwarding):
    with SpdyStub(ports={8080: Upper}) as stub:
        process = forwarding(stub, 8080)
        address = ("127.0.0.1", local_port(process))
        socks = [socket.create_connection(address, timeout=60) for _ in range(10)]

        for number, sock in enumerate(socks):
            sock.sendall(b"number %d" % number)
        answers = [sock.recv(8) for sock in reversed(socks)]

        for sock in socks:
            sock.close()
        stop(process)
    assert answers == [b"NUMBER %d" % number for number in reversed(range(10))]


def test_port_forward_tells_why_a_port_cannot_be_reached(forwarding):
    with SpdyStub() as stub:
        process = forwarding(stub, 9999)

        answer = talk(local_port(process), b"")

        _, stderr = process.communicate(timeout=60)
    assert answer == b""
    assert forwarding_error(9999, "sandbox", REFUSED) in stderr.decode()
    assert b"lost connection to pod" in stderr
    assert process.returncode == 1
