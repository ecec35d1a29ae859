"""A cluster whose etcd, runtime and API server are each seen through a tap.

The real kubectl does the same with and without the tap before the API server, and what
the taps have written is decoded to the last byte.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.agreement import normal
from tests.support.background import Background
from tests.support.cluster import running_cluster
from tests.support.etcd import Etcd
from tests.support.kubectls import kubectls
from tests.support.terminal import Terminal

pytestmark = pytest.mark.e2e

BIN = Path(sys.executable).parent
SERVER = (
    "import os, socketserver\n"
    "class Echo(socketserver.BaseRequestHandler):\n"
    "    def handle(self):\n"
    "        while data := self.request.recv(65536):\n"
    "            self.request.sendall(data)\n"
    "socketserver.ThreadingTCPServer.allow_reuse_address = True\n"
    "address = os.environ['MINI_KUBE_POD_IP'], 8080\n"
    "socketserver.ThreadingTCPServer(address, Echo).serve_forever()\n"
)
ECHO = {
    "name": "echo",
    "image": "python:3",
    "command": ["python3", "-c", SERVER],
    "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
}


@pytest.fixture(scope="module")
def folder():
    path = Path(tempfile.mkdtemp(prefix="mk-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


class Tap(Background):
    """A running `mini-kube tap`; `at` is where it listens, `trace` what it writes."""

    def __init__(self, folder, kind, *arguments):
        self.trace = folder / f"trace-{kind}"
        command = [BIN / "mini-kube", "tap", kind, *arguments]
        super().__init__(
            [*command, f"--trace-dir={self.trace}"],
            env={**os.environ, "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)},
        )

    def __enter__(self):
        first = self.line("tap: ")
        self.at = first.removeprefix("tap: ").partition(" -> ")[0]
        self.line("Ctrl-C ends the tap")
        return self

    def events(self):
        """What it has written so far."""
        (file,) = self.trace.glob(f"*-{self.pid}.jsonl")
        lines = file.read_text().splitlines()
        # the last may be half written
        return [json.loads(line) for line in lines[1:] if line.endswith("}")]

    def layers(self):
        return {event["layer"] for event in self.events()}


@pytest.fixture(scope="module")
def etcd_tap(folder):
    with Etcd() as etcd, Tap(folder, "etcd", f"--endpoint={etcd.url}") as tap:
        yield tap


class Runtime(Background):
    """A runtime that is not the cluster's, as containerd would be."""

    def __init__(self, folder):
        self.path = folder / "s.sock"
        self._places = [f"--root={folder / 'root'}", f"--state={folder / 'state'}"]
        command = [BIN / "mini-cri", f"--address={self.path}", *self._places]
        super().__init__(command, env=dict(os.environ))

    def end(self):
        """With its containers, which else outlive it."""
        os.kill(self.pid, signal.SIGTERM)
        self.wait()
        subprocess.run([BIN / "mini-cri", "stop-all", *self._places], check=True)


@pytest.fixture(scope="module")
def runtime(folder):
    with Runtime(folder) as runtime:
        runtime.line("serving on")
        yield runtime


@pytest.fixture(scope="module")
def cri_tap(folder, runtime):
    with Tap(
        folder, "cri", f"--socket={runtime.path}", f"--listen={folder / 'c.sock'}"
    ) as tap:
        yield tap


@pytest.fixture(scope="module")
def cluster(etcd_tap, cri_tap, runtime):
    arguments = (
        f"--etcd={etcd_tap.at}",
        f"--cri-socket={cri_tap.at}",
        # Else it puts the port right to which the API server is pointed.
        "--kubelet-arg=node-status-update-frequency=1h",
    )
    with running_cluster("p", *arguments) as cluster:
        cluster.pod("box")
        cluster.pod("echo", containers=[ECHO])
        yield cluster
        # The runtime is not the cluster's to end, and a kubelet would start all anew.
        cluster.mini_kube("down")
        runtime.end()


@pytest.fixture(scope="module")
def tap(cluster, folder):
    with Tap(
        folder,
        "apiserver",
        f"--kubeconfig={cluster.kubeconfig}",
        f"--write-kubeconfig={folder / 'tapped'}",
    ) as tap:
        tap.kubeconfig = folder / "tapped"
        yield tap


@pytest.fixture(scope="module", params=["1.30", "1.36"])
def kubectl(request):
    found = kubectls(request.param)
    if not found:
        pytest.skip(f"kubectl {request.param} cannot be had on this machine")
    return found[0].path


@pytest.fixture
def both(cluster, tap, kubectl):
    """Runs kubectl directly and through the tap: (code, stdout, stderr) of each."""

    def run(*arguments, stdin=b""):
        outcomes = []
        for kubeconfig in (cluster.kubeconfig, tap.kubeconfig):
            env = {"KUBECONFIG": str(kubeconfig)}
            done = cluster.run(kubectl, *arguments, stdin=stdin, env=env, text=False)
            error = normal(done.stderr.decode())  # ids and moments differ anyway
            outcomes.append((done.returncode, done.stdout, error))
        return outcomes

    return run


@pytest.fixture
def through(cluster, tap, kubectl):
    """A command line of kubectl that goes through the tap, and its environment."""

    def command(*arguments):
        env = {**cluster.env, "KUBECONFIG": str(tap.kubeconfig)}
        return [str(kubectl), *arguments], env

    return command


@pytest.mark.parametrize(
    "line",
    [
        ("exec", "box", "--", "echo", "hi"),
        ("exec", "box", "--", "sh", "-c", "echo out; echo err >&2; exit 7"),
        ("exec", "none", "--", "true"),
        ("exec", "box", "-c", "none", "--", "true"),
        ("exec", "box", "--", "no-such-command"),
        ("get", "pods", "-o", "name"),
        ("get", "pod", "box", "-o", "jsonpath={.metadata.uid}"),
        ("get", "nothing"),
        ("get", "pods", "-n", "none"),
        ("get", "secrets", "--as=nobody"),
        ("auth", "whoami"),
        ("api-resources", "-o", "name"),
        ("logs", "box"),
        ("get", "--raw", "/healthz"),
        ("config", "current-context"),
    ],
    ids=lambda line: "-".join(line)[:40],
)
def test_kubectl_sees_no_difference(both, line):
    direct, tapped = both(*line)

    assert tapped == direct


def test_ten_mebibytes_in_and_out(both):
    data = os.urandom(10 << 20)

    direct, tapped = both("exec", "-i", "box", "--", "cat", stdin=data)

    assert tapped[0] == direct[0] == 0
    assert tapped[1] == direct[1] == data


def test_the_end_of_stdin_reaches_the_process(both):
    digest = hashlib.sha256(b"abc").hexdigest().encode()

    for code, out, _ in both("exec", "-i", "box", "--", "sha256sum", stdin=b"abc"):
        assert (code, out.split()[0]) == (0, digest)


def test_a_terminal_with_its_size(through):
    command, env = through("exec", "-it", "box", "--", "sh", "-i")

    with Terminal(command, env=env, columns=91, lines=33) as terminal:
        terminal.send_line("stty size")
        terminal.expect("33 91")
        terminal.resize(70, 20)
        terminal.send_line("sleep 0.2; stty size")
        terminal.expect("20 70")
        terminal.send_line("exit 5")
        assert terminal.wait() == 5


def test_copies_there_and_back(both, through, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(os.urandom(300_000))
    command, env = through("cp", str(source), f"box:{tmp_path}/there")
    subprocess.run(command, env=env, check=True, capture_output=True)
    command, env = through("cp", f"box:{tmp_path}/there", str(tmp_path / "back"))
    subprocess.run(command, env=env, check=True, capture_output=True)

    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_a_forwarded_port(through):
    command, env = through("port-forward", "pod/echo", ":8080", "--address=127.0.0.1")

    with Background(command, env=env) as forwarding:
        line = forwarding.line("Forwarding from")
        port = int(re.search(r":(\d+) ->", line)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
            sock.sendall(b"through it all")
            assert sock.recv(100) == b"through it all"


def test_logs_are_followed(cluster, through):
    name = f"talker-{os.urandom(3).hex()}"
    cluster.pod(
        name,
        "sh",
        "-c",
        "echo first; read x < /dev/null; sleep 1; echo second; sleep 1000",
    )
    command, env = through("logs", "-f", name)

    with Background(command, env=env) as following:
        following.line("first")
        following.line("second")


def test_a_watch_goes_on(cluster, through):
    name = f"seen-{os.urandom(3).hex()}"
    command, env = through("get", "configmaps", "-w", "-o", "name")

    with Background(command, env=env) as watching:
        watching.line("kube-root-ca")
        cluster.mini_kubectl("create", "configmap", name, check=True)
        watching.line(f"configmap/{name}")


def test_objects_are_applied(both, tmp_path):
    name = f"applied-{os.urandom(3).hex()}"
    manifest = tmp_path / "manifest.json"
    document = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"a": "b"},
    }
    manifest.write_text(json.dumps(document))

    first, second = both("apply", "-f", str(manifest))
    third, fourth = both(
        "apply", "--server-side", "--force-conflicts", "-f", str(manifest)
    )

    assert first[1] == f"configmap/{name} created\n".encode()
    assert second[1] == f"configmap/{name} unchanged\n".encode()
    assert third == fourth


def test_a_client_that_is_interrupted_leaves_nothing_open(through, tap):
    command, env = through("exec", "box", "--", "sh", "-c", "echo begun; sleep 1000")

    with Background(command, env=env) as running:
        running.line("begun")
        os.kill(running.pid, signal.SIGINT)


@pytest.fixture
def kubelet_tap(cluster, folder):
    """Before the node's kubelet, where the API server goes for as long as it is there."""
    node = cluster.get("node", "mini-kube-p")
    port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]

    def point_to(port):
        endpoint = {"kubeletEndpoint": {"Port": int(port)}}
        document = json.dumps({"status": {"daemonEndpoints": endpoint}})
        where = ("node", "mini-kube-p", "--subresource=status", "--type=merge")
        cluster.mini_kubectl("patch", *where, f"--patch={document}", check=True)

    with Tap(
        folder,
        "kubelet",
        f"--state-dir={cluster.state}",
        "--node=mini-kube-p",
        f"--address=127.0.0.1:{port}",
    ) as tap:
        point_to(tap.at.rpartition(":")[2])
        yield tap
        point_to(port)


def test_a_kubelet_sees_who_asks_and_the_api_server_no_difference(both, kubelet_tap):
    line = ("exec", "-i", "box", "--", "cat")

    direct, tapped = both(*line, stdin=b"through the kubelet's tap")

    assert tapped == direct == (0, b"through the kubelet's tap", "")
    assert {"http1", "remotecommand"} <= kubelet_tap.layers()
    assert "raw" not in kubelet_tap.layers()


# What was seen, after all of the above


def test_the_api_servers_tap_has_decoded_everything(both, tap):
    both("exec", "box", "--", "true")

    assert "raw" not in tap.layers()
    assert {"http1", "channel", "remotecommand"} <= tap.layers()


def test_the_runtimes_tap_has_seen_both_legs_of_a_session(both, cri_tap):
    both("exec", "box", "--", "true")
    events = cri_tap.events()

    calls = {e["trace"] for e in events if e["layer"] == "cri" and e["type"] == "Exec"}
    streams = {
        e["trace"]
        for e in events
        if e["hop"] == "kubelet-cri-streaming" and e["layer"] not in ("conn", "tls")
    }
    assert "raw" not in cri_tap.layers()
    assert {"cri", "grpc", "http2", "remotecommand"} <= cri_tap.layers()
    assert None not in streams
    assert calls <= streams


def test_etcds_tap_has_decoded_every_message(both, etcd_tap):
    both("create", "configmap", f"kept-{os.urandom(3).hex()}")
    events = etcd_tap.events()

    kinds = {e["type"] for e in events if e["layer"] == "etcd"}
    messages = [e for e in events if e["layer"] == "grpc" and e["type"] == "message"]
    assert {"Range", "Txn"} <= kinds
    assert "raw" not in etcd_tap.layers()
    assert all("message" in e["info"] for e in messages)


def test_a_session_is_one_from_the_client_to_the_runtime(both, tap, cri_tap):
    both("exec", "box", "--", "echo", "one session")
    exec_ = [
        e["trace"]
        for e in tap.events()
        if e["type"] == "request" and "/exec?" in e["info"].get("target", "")
    ]

    seen = {e["trace"] for e in cri_tap.events()}
    assert exec_[-1] in seen
