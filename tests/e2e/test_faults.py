"""What real clients say when a hop fails: each fault at least once.

The clients are the newest kubectl, over WebSocket, and over SPDY where that is said.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from toxiproxy import Toxiproxy

from faults.client import FaultClient, FaultError
from faults.types import TYPES
from hops.cluster_view import ClusterView
from tests.support.background import Background
from tests.support.cluster import BIN, running_cluster

SPDY = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"}
USUAL = "echo out; exit 3"
#: Types that have a test of their own below.
OWN_TESTS = {
    "certificate_expired",
    "certificate_not_yet_valid",
    "certificate_wrong_host",
    "certificate_unknown_authority",
    "body_limit",
    "down",
    "http_status",
    "idle_cut",
    "kill",
    "no_pong",
    "spdy_goaway",
    "stall",
}


@pytest.fixture(scope="module")
def broken():
    """A cluster to break, with a pod."""
    with running_cluster("faults") as cluster:
        cluster.pod("p")
        yield cluster


@pytest.fixture
def faults(broken):
    """The faults of that cluster; taken away after the test."""
    client = FaultClient(view_of(broken))
    yield client
    client.reset()


def view_of(cluster):
    sockets = {path.stem: path for path in cluster.folder.rglob("*.admin")}
    folder = next(iter(sockets.values())).parent
    return ClusterView("faults", cluster.state, folder, cluster.kubeconfig, sockets)


def run(cluster, kubectl, command=USUAL, *flags, stdin=b"", env=None, timeout=30):
    words = ["exec", *flags, "p", "--", "sh", "-c", command]
    return cluster.run(kubectl, *words, stdin=stdin, env=env, timeout=timeout)


CLIENT, KUBELET = "kubectl-apiserver", "apiserver-kubelet"
STREAM, CRI = "kubelet-cri-streaming", "kubelet-cri"
EXEC = {"verb": "exec"}

#: type, hop, options, SPDY, what kubectl says (out, err, code)
STRUCK = [
    ("latency", CLIENT, {"latency": 50, "jitter": 20}, False, "out", "exit code 3", 3),
    ("latency", STREAM, {"latency": 50, "stream": "both"}, True, "out", "code 3", 3),
    ("bandwidth", KUBELET, {"rate": 20}, False, "out", "exit code 3", 3),
    ("slow_close", CLIENT, {"delay": 100}, False, "out", "exit code 3", 3),
    ("timeout", STREAM, {"timeout": 300}, False, "", "EOF|unable to upgrade", 1),
    ("reset_peer", KUBELET, {}, False, "", "error dialing backend: .*reset by peer", 1),
    ("slicer", CLIENT, {"average_size": 5, "size_variation": 2}, False, "out", "code 3", 3),
    ("slicer", STREAM, {"average_size": 1}, True, "out", "code 3", 3),
    ("limit_data", STREAM, {"bytes": 40}, False, "", "EOF|upgrade", 1),
    (
        "corrupt",
        STREAM,
        {"after": 0, "bytes": 4},
        False,
        "",
        "malformed HTTP|unable to upgrade|EOF",
        1,
    ),
    ("truncate", STREAM, {"bytes": 9}, False, "", "malformed HTTP|EOF|upgrade", 1),
    ("half_close", STREAM, {"after": 20}, False, "", "EOF|upgrade", 1),
    ("coalesce", CLIENT, {"size": 100_000, "delay": 80}, False, "out", "code 3", 3),
    ("connect_delay", CLIENT, {"delay": 100}, False, "out", "code 3", 3),
    ("frame_drop", CLIENT, {"layer": "channel", "channel": "stdout", "n": 2}, False, "", "code 3", 3),
    ("frame_drop", CLIENT, {"layer": "spdy", "frame": "data", "channel": "stdout"}, True, "", "code 3", 3),
    ("frame_delay", CLIENT, {"layer": "channel", "channel": "error", "delay": 90, "n": 0}, False, "out", "code 3", 3),
    ("frame_duplicate", CLIENT, {"layer": "channel", "channel": "stdout", "n": 2}, False, "out\nout", "code 3", 3),
    ("frame_duplicate", CLIENT, {"layer": "spdy", "frame": "data", "channel": "stdout"}, True, "out\nout", "code 3", 3),
    ("frame_reorder", STREAM, {"layer": "channel", "channel": "stdout", "n": 2}, False, "out", "code 3", 3),
    ("frame_edit", CLIENT, {"layer": "channel", "channel": "stdout", "n": 2, "payload": "other\n"}, False, "other", "code 3", 3),
    ("frame_edit", KUBELET, {"layer": "spdy", "frame": "data", "channel": "stdout", "find": "out", "replace": "changed"}, True, "changed", "code 3", 3),
    ("frame_add", CLIENT, {"layer": "channel", "channel": "stdout", "n": 2, "to_channel": 1, "payload": "more\n"}, False, "more\nout", "code 3", 3),
    ("unknown_channel", CLIENT, {"channel": "stdout", "n": 2}, False, "", "unknown stream|code 3|channel", None),
    ("text_for_binary", CLIENT, {"channel": "stdout", "n": 2}, False, "", "message type|unexpected", 1),
    ("close_code", CLIENT, {"n": 2, "code": 1011, "reason": "gone"}, False, "", "1011", 1),
    ("spdy_reset", CLIENT, {"channel": "error"}, True, None, "", None),
    ("status_missing", CLIENT, {}, False, "out", "", 0),
    ("status_missing", CLIENT, {}, True, "out", "", 0),
    ("status_malformed", CLIENT, {"payload": "?"}, False, "out", "error stream protocol error", 1),
    ("status_malformed", CLIENT, {"payload": "?"}, True, "out", "error stream protocol error", 1),
    ("status_late", CLIENT, {"delay": 150}, False, "out", "code 3", 3),
    ("status_twice", CLIENT, {}, False, "out", "error stream protocol error", 1),
    ("http_answer", CLIENT, {"status": 418, "body": "teapot", "selector": EXEC}, False, "", "teapot", 1),
    ("http_answer", KUBELET, {"status": 500, "body": "boom", "selector": EXEC}, True, "", "boom", 1),
    ("http_header", CLIENT, {"header": "Upgrade", "action": "remove", "selector": EXEC}, True, "", "upgrade", 1),
    ("subprotocol", CLIENT, {"value": "v9"}, False, "out", "code 3", 3),
    ("upgrade_silence", CLIENT, {"seconds": 1.5}, False, "", "EOF|error", 1),
    ("grpc_status", CRI, {"method": "Exec", "code": "NOT_FOUND", "message": "no such thing"}, False, "", "no such thing", 1),
    ("grpc_status", CRI, {"method": "Exec", "code": "INTERNAL", "message": "boom"}, True, "", "code = Internal desc = boom", 1),
    ("grpc_delay", CRI, {"method": "Exec", "delay": 300}, False, "out", "code 3", 3),
    ("stream_url", CRI, {"how": "dead"}, False, "", "connection refused", 1),
    ("stream_url", CRI, {"how": "used"}, True, "", "404", 1),
]  # fmt: skip


def until(holds):
    """Ask again and again; the test run's own limit ends it."""
    while not holds():
        time.sleep(0.01)


def ids(case):
    return f"{case[0]}-{case[1]}-{'spdy' if case[3] else 'websocket'}"


@pytest.mark.parametrize("case", STRUCK, ids=map(ids, STRUCK))
def test_kubectl_feels_it(broken, faults, kubectl, case):
    type_name, hop, options, spdy, out, err, code = case
    fault = faults.add(type_name, hop=hop, **options)

    done = run(broken, kubectl, env=SPDY if spdy else None)

    assert fault.hits
    assert code in (None, done.returncode), done
    assert out is None or done.stdout.strip() == out, done
    assert not err or re.search(err, done.stderr), done


def test_nothing_is_left_of_a_fault(broken, faults, kubectl):
    faults.add("status_missing")
    faults.reset()

    done = run(broken, kubectl)

    assert (done.stdout, done.returncode) == ("out\n", 3)
    assert faults.list() == []


def test_input_is_what_is_limited(broken, faults, kubectl):
    """A body of more than 10 bytes: kubectl run posts one."""
    faults.add("body_limit", bytes=10, body="too much")

    done = broken.run(kubectl, "run", "q", "--image=busybox")

    assert done.returncode == 1
    assert "too much" in done.stderr or "413" in done.stderr or "large" in done.stderr


def test_an_answer_has_another_status(broken, faults, kubectl):
    faults.add("http_status", status=500, selector={"verb": "get", "pod": "p"})

    done = broken.run(kubectl, "get", "pod", "p")

    assert done.returncode == 1
    assert "the server" in done.stderr.lower()


def test_after_goaway_spdy_reads_nothing_more(broken, faults, kubectl):
    """moby/spdystream stops reading; kubectl waits for what will never be read."""
    fault = faults.add("spdy_goaway", channel="stdout")
    command = [kubectl, "exec", "p", "--", "echo", "out"]

    with Background(command, env={**broken.env, **SPDY}) as session:
        until(lambda: fault.hits)
    assert session.lines == []


def test_a_stalled_session_goes_on_when_it_is_let_go(broken, faults, kubectl):
    fault = faults.add("stall", hop=STREAM, after=1000, stream="upstream")
    data = os.urandom(5000)

    with subprocess.Popen(
        [kubectl, "exec", "-i", "p", "--", "wc", "-c"],
        env=broken.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        process.stdin.write(data)
        process.stdin.close()
        until(lambda: fault.hits)
        fault.remove()
        assert process.stdout.read().strip() == b"5000"
    assert process.returncode == 0


def test_an_idle_session_is_cut_and_a_busy_one_is_not(broken, faults, kubectl):
    faults.add("idle_cut", timeout=700, how="reset", selector=EXEC)

    busy = run(broken, kubectl, "for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done")
    idle = run(broken, kubectl, "echo up; sleep 1000")

    assert busy.stdout.split()[-1] == "6"
    assert busy.returncode == 0
    assert idle.stdout == "up\n"
    assert idle.returncode == 1


def test_pings_that_are_not_answered_end_a_session(broken, faults, kubectl):
    """kubectl pings each 5 s over WebSocket and gives up after 7; here it asks at once."""
    fault = faults.add("no_pong", stream="both")

    code = subprocess.run(
        [sys.executable, "-c", PINGING, str(broken.kubeconfig)],
        env=broken.env,
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert code.stdout == b"no pong\n", code
    assert fault.hits


PINGING = """
import json, ssl, socket, sys, tempfile, base64, select
from wire.websocket import FrameDecoder, Opcode, encode_frame
from wire.http1 import HeadReader, RequestHead, encode_request_head
from wire.websocket_handshake import client_handshake
config = json.load(open(sys.argv[1]))
server = config["clusters"][0]["cluster"]["server"].removeprefix("https://")
user = config["users"][0]["user"]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
with tempfile.NamedTemporaryFile() as pem:
    pem.write(base64.b64decode(user["client-certificate-data"]))
    pem.write(base64.b64decode(user["client-key-data"]))
    pem.flush()
    context.load_cert_chain(pem.name)
host, port = server.rsplit(":", 1)
sock = context.wrap_socket(socket.create_connection((host, int(port))))
path = "/api/v1/namespaces/default/pods/p/exec?stdout=1&command=sleep&command=100"
headers = [("Host", server), *client_handshake("dGhlIHNhbXBsZSBub25jZQ==", ["v5.channel.k8s.io"])]
sock.sendall(encode_request_head(RequestHead("GET", path, headers)))
reader = HeadReader("response")
while reader.receive_data(sock.recv(65536)) is None:
    pass
sock.sendall(encode_frame(Opcode.PING, b"?", mask=b"abcd"))
decoder = FrameDecoder(False)
decoder.receive_data(reader.leftover)
sock.settimeout(1.0)
try:
    while True:
        data = sock.recv(65536)
        if any(f.opcode == Opcode.PONG for f in decoder.receive_data(data)):
            print("pong")
            break
        if not data:
            break
except TimeoutError:
    print("no pong")
"""


@pytest.mark.parametrize(
    ("type_name", "hop", "said"),
    [
        ("certificate_expired", CLIENT, "certificate has expired or is not yet valid"),
        ("certificate_not_yet_valid", CLIENT, "is not yet valid"),
        ("certificate_wrong_host", CLIENT, "doesn't contain any IP SANs"),
        ("certificate_unknown_authority", CLIENT, "signed by unknown authority"),
        ("certificate_expired", KUBELET, "certificate has expired"),
        ("certificate_unknown_authority", KUBELET, "signed by unknown authority"),
    ],
)
def test_a_certificate_is_refused(broken, faults, kubectl, type_name, hop, said):
    faults.add(type_name, hop=hop)

    done = run(broken, kubectl)

    assert done.returncode == 1
    assert said in done.stderr


def test_a_hop_is_down(broken, faults, kubectl):
    with Background(
        [kubectl, "exec", "p", "--", "sh", "-c", "echo up; sleep 1000"], env=broken.env
    ) as session:
        session.line("up")
        faults.add("down", hop=CLIENT)
        assert session.wait() == 1

    done = run(broken, kubectl)
    assert done.returncode == 1
    assert "was refused - did you specify the right host or port?" in done.stderr


def test_an_answer_can_be_for_one_client_one_pod_one_time(broken, faults, kubectl):
    selector = {"client": "kubectl", "pod": "p", "verb": "exec", "connection": 2}
    faults.add("http_answer", status=403, body="second", selector=selector, count=1)

    first, second, third = (run(broken, kubectl, "echo hi") for _ in range(3))

    assert first.stdout == "hi\n"
    # kubectl falls back to SPDY, which is the connection after the second.
    assert second.stdout == "hi\n"
    assert third.stdout == "hi\n"
    (rule,) = faults.list()
    assert rule["hits"] == 1


@pytest.mark.parametrize(
    ("name", "spdy", "code", "said"),
    [
        ("no-websocket", False, 3, "code 3"),
        ("no-spdy", True, 1, "upgrade"),
        ("no-upgrade", False, 1, "upgrade"),
        ("html-404", False, 1, "404|server could not find"),
        ("strip-subprotocol", False, 3, "code 3"),
        ("tls-inspection", False, 3, "code 3"),
        ("nginx", False, 1, "upgrade"),
    ],
)
def test_a_middlebox_in_the_way(broken, faults, kubectl, name, spdy, code, said):
    faults.personality(name)

    done = run(broken, kubectl, env=SPDY if spdy else None)

    assert done.returncode == code, done
    assert re.search(said, done.stderr), done


def test_a_slow_link_only_takes_longer(broken, faults, kubectl):
    faults.personality("slow-link", latency=20, jitter=10, rate=200)

    assert run(broken, kubectl).returncode == 3


def test_what_was_done_is_in_the_trace(broken, faults, kubectl):
    broken.mini_kube("trace", "on", str(broken.folder / "trace"))
    try:
        faults.add("status_malformed", name="bad-status", payload="?")
        run(broken, kubectl)
    finally:
        broken.mini_kube("trace", "off")

    paths = (broken.folder / "trace").glob("apiserver-*.jsonl")
    lines = [line for path in paths for line in path.read_text().splitlines()]
    events = [json.loads(line) for line in lines]
    (event,) = [e for e in events if e.get("fault") == "bad-status"]
    assert event["type"] == "status_malformed"
    assert event["info"]["at"] == "websocket/binary error"
    assert event["dir"] == "down"
    assert event["hop"] == CLIENT


def test_the_commands(broken):
    def fault(*words, check=True):
        return broken.mini_kube("fault", *words, check=check)

    added = fault(
        "add", CLIENT, "latency", "latency=5", "--name", "slow", "--for", "1h"
    )
    assert added.stdout == "slow is set on kubectl-apiserver in apiserver\n"
    (rule,) = json.loads(fault("list", "-o", "json").stdout)
    assert (rule["name"], rule["attributes"]["latency"]) == ("slow", 5)
    assert "slow" in fault("list").stdout
    twice = fault("add", CLIENT, "latency", "--name", "slow", check=False)
    assert "has a fault called 'slow' already" in twice.stderr
    assert fault("remove", "slow").stdout == "slow is removed\n"
    gone = fault("remove", "slow", check=False)
    assert "no fault is called 'slow'" in gone.stderr
    assert fault("reset").stdout == "no faults were set\n"
    wrong = fault("add", CLIENT, "lag", check=False)
    assert "there is no fault type 'lag': latency, bandwidth" in wrong.stderr
    assert "slow-link" in fault("personality").stdout
    named = fault("personality", "slow-link", "rate=500", "latency=1", "jitter=0")
    assert named.stdout.count("is set on kubectl-apiserver") == 2
    assert fault("reset").stdout == "2 faults are removed\n"


def test_toxiproxys_client_breaks_a_hop(broken, faults, kubectl):
    words = ["fault", "--name", broken.name, "--state-dir", str(broken.state)]
    command = [BIN / "mini-kube", *words, "serve", "--address", "127.0.0.1:0"]
    with Background(command, env=broken.env) as server:
        url = server.line("serving on").split()[-1]
        client = Toxiproxy()
        client.update_api_consumer("127.0.0.1", int(url.rpartition(":")[2]))
        hop = client.get_proxy(CLIENT)

        hop.add_toxic(type="latency", attributes={"latency": 10})
        assert run(broken, kubectl).returncode == 3
        (rule,) = faults.list()
        assert (rule["name"], rule["hop"]) == ("latency_downstream", CLIENT)
        assert rule["hits"]
        client.reset()
        assert faults.list() == []
        assert run(broken, kubectl).returncode == 3
        hop.disable()
        assert run(broken, kubectl).returncode == 1
        hop.enable()
        assert run(broken, kubectl).returncode == 3
        hop.add_toxic(type="status_missing")
        assert run(broken, kubectl).returncode == 0
        assert list(hop.toxics()) == ["status_missing_downstream"]
        assert requests.delete(f"{url}/proxies/{CLIENT}", timeout=10).status_code == 400


SCENARIO = """
name: a session loses its status, and the next one its kubelet
steps:
  - when: {session: {verb: exec, pod: p}}
    say: a session began
  - when: {frame: {layer: channel, channel: stdout, hop: kubectl-apiserver}, n: 2}
    add: {type: status_malformed, name: bad, attributes: {payload: "?"}}
  - when: {fault: bad}
    remove: bad
    kill: runtime
"""


def test_a_scenario_follows_what_happens(broken, faults, kubectl, tmp_path):
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO)
    words = ["scenario", "--name", broken.name, "--state-dir", str(broken.state)]
    command = [BIN / "mini-kube", *words, "run", path]

    with Background(command, env=broken.env) as playing:
        playing.line("watching")
        with subprocess.Popen(
            [kubectl, "exec", "-i", "p", "--", "sh", "-c", "echo one; read x; exit 3"],
            env=broken.env,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as session:
            playing.line("bad is set")
            _, error = session.communicate(b"x\n", timeout=30)
        code = playing.wait()

    assert code == 0, playing.error
    assert b"error stream protocol error" in error
    shown = [line.split("s  ", 1)[-1] for line in playing.lines]
    assert shown[2:] == [
        "a session began",
        "bad is set on kubectl-apiserver",
        "bad is removed",
        "runtime is killed",
    ]
    broken.mini_kube("up")


@pytest.mark.parametrize("process", ["kubelet", "apiserver", "shim"])
def test_a_process_is_killed_under_a_session(broken, faults, kubectl, process):
    if process == "shim":
        broken.pod("victim")
    pod = "victim" if process == "shim" else "p"
    with Background(
        [kubectl, "exec", pod, "--", "sh", "-c", "echo up; sleep 1000"], env=broken.env
    ) as session:
        session.line("up")
        faults.add("kill", process=process, of_pod=pod if process == "shim" else "")
        code = session.wait()

    broken.mini_kube("up")
    assert code in (1, 137)


def test_a_process_is_killed_at_a_frame(broken, kubectl):
    client = FaultClient(view_of(broken))
    before = broken.pids()["apiserver"]
    client.add(
        "kill",
        process="apiserver",
        when="frame",
        layer="channel",
        channel="stdout",
        n=3,
        stream="downstream",
    )

    done = run(
        broken, kubectl, "echo one; sleep 0.2; echo two; sleep 0.2; echo three; sleep 9"
    )

    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "one"
    broken.mini_kube("up")
    assert broken.pids()["apiserver"] != before


def test_a_fault_that_cannot_be_says_why(broken, faults):
    with pytest.raises(
        FaultError, match="kill: of_pod must name one shim of a pod: default/"
    ):
        faults.add("kill", process="shim", of_pod="nobody")
    with pytest.raises(FaultError, match="there are no gRPC calls on kubectl-apiserv"):
        faults.add("grpc_status")
    with pytest.raises(FaultError, match="kubelet-cri has no certificate of ours"):
        faults.add("certificate_expired", hop=CRI)
    with pytest.raises(FaultError, match="there is no hop 'nowhere': kubectl-api"):
        faults.add("latency", hop="nowhere")


def test_every_type_is_felt_somewhere_here():
    source = Path(__file__).read_text()

    assert {case[0] for case in STRUCK} | OWN_TESTS == set(TYPES)
    assert all(f'"{name}"' in source for name in TYPES)
