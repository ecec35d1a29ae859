"""A cluster that is traced: all that goes by is decoded, documented, and without secrets."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
from collections import Counter, defaultdict

import pytest

from hops.blocking.admin import call_admin
from tests.support.cluster import BIN, running_cluster
from tests.unit.hops.trace_schema import check

TYPED = "typed\n" * 20_000
PASSWORD = "hunter2-is-no-good-password"  # noqa: S105 - it is looked for
CARRIERS = {
    "websocket": {},
    "spdy": {
        "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false",
        "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false",
    },
}


@pytest.fixture(scope="module")
def cluster():
    with running_cluster("traced") as running:
        running.create(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "s"},
                "stringData": {"password": PASSWORD},
            }
        )
        secret = {"secretKeyRef": {"name": "s", "key": "password"}}
        container = {"name": "web", "image": "nginx"}
        container["env"] = [{"name": "PASSWORD", "valueFrom": secret}]
        with tracing(running, "start"):
            running.pod("web", containers=[container])
            running.mini_kubectl("get", "secret", "s", "-o", "yaml", check=True)
        yield running


class tracing:  # noqa: N801 - used as a function
    """Trace into `folder / name` while it lasts; then `lines` has the events."""

    def __init__(self, cluster, name, **settings):
        self.folder = cluster.folder / name
        self._sockets = sorted(cluster.folder.rglob("*.admin"))
        self._settings = settings
        self.events = []

    def __enter__(self):
        assert len(self._sockets) == 3
        self._ask(dir=str(self.folder), **self._settings)
        return self

    def __exit__(self, *_):
        self._ask(dir=None)
        for path in sorted(self.folder.glob("*.jsonl")):
            head, *lines = path.read_text().splitlines()
            assert json.loads(head)["header"] == 1
            self.events += map(json.loads, lines)
        self.events.sort(key=lambda event: event["ts"])
        for event in self.events:
            check(event)

    def _ask(self, **request):
        for path in self._sockets:
            call_admin(str(path), {"cmd": "trace", **request})

    @property
    def undecoded(self):
        return [
            event
            for event in self.events
            if event["layer"] == "raw"
            or event["type"] == "undecodable"
            or (event["layer"] == "grpc" and "error" in event["info"])
        ]

    def of(self, layer, kind):
        return [e for e in self.events if (e["layer"], e["type"]) == (layer, kind)]

    def text(self):
        """All that stands in the trace, payloads decoded."""
        data = b"".join(base64.b64decode(e["data"] or "") for e in self.events)
        return json.dumps(self.events).encode() + data


def use(cluster, program, carrier):
    """A bit of everything that has streams."""
    env = CARRIERS[carrier]

    def run(*arguments, **options):
        return cluster.run(program, *arguments, env=env, **options)

    name = f"one-{carrier}-{str(program)[-4:].strip('.').replace('.', '-')}"
    assert run("exec", "web", "--", "echo", "hi").stdout == "hi\n"
    assert run("exec", "-i", "web", "--", "cat", stdin="in").stdout == "in"
    assert run("exec", "web", "--", "sh", "-c", "echo e >&2; exit 3").returncode == 3
    assert "listening" in run("logs", "web").stdout
    flags = ("--image=busybox", "--restart=Never", "-i", "--rm", "--quiet")
    assert "ran" in run("run", name, *flags, "--", "echo", "ran").stdout
    (cluster.folder / "file").write_text("copied")
    run("cp", str(cluster.folder / "file"), "web:/tmp/file", check=True)
    assert run("exec", "web", "--", "cat", "/tmp/file").stdout == "copied"
    assert "nginx" in through_forward(cluster, program, env)
    reader = {"name": "cat", "image": "busybox", "command": ["cat"]}
    reader |= {"stdin": True, "stdinOnce": True}
    cluster.pod(f"{name}-att", containers=[reader], restartPolicy="Never")
    assert run("attach", "-i", f"{name}-att", stdin=TYPED).stdout == TYPED


def through_forward(cluster, program, env):
    """The first page of the pod, over port-forward."""
    path = program if "/" in str(program) else BIN / program
    forward = subprocess.Popen(
        [str(path), "port-forward", "web", ":80"],
        env={**cluster.env, **env},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = forward.stdout.readline()
        port = line.split("127.0.0.1:")[1].split()[0]
        url = f"http://127.0.0.1:{port}/"
        return cluster.run("curl", "-s", "--max-time", "20", url).stdout
    finally:
        forward.send_signal(signal.SIGINT)
        forward.wait(20)
        forward.stdout.close()


@pytest.fixture(scope="module", params=CARRIERS)
def used(request, cluster, kubectl):
    """The traces of ours and of the real kubectl."""
    traces = {}
    for program in ("mini-kubectl", kubectl):
        with tracing(cluster, f"{request.param}-{len(traces)}") as trace:
            use(cluster, program, request.param)
        traces["ours" if program == "mini-kubectl" else "real"] = trace
    return traces


STREAMS = "kubectl-apiserver", "apiserver-kubelet", "kubelet-cri-streaming"


def test_everything_is_decoded_and_a_session_has_one_id_on_all_hops(used):
    for trace in used.values():
        assert not trace.undecoded

        hops = defaultdict(set)
        for event in trace.events:
            if event["trace"]:
                hops[event["trace"]].add(event["hop"])
        commands = {
            event["trace"]
            for event in trace.of("process", "started")
            if event["hop"] == "cri-shim"
        }
        assert len(commands) >= 5
        assert None not in commands
        for session in commands:
            assert {*STREAMS, "kubelet-cri", "cri-shim"} <= hops[session]
        forwards = {e["trace"] for e in trace.of("portforward", "opened")}
        assert len(forwards) == 1
        assert {*STREAMS, "kubelet-cri", "cri-pod"} <= hops[forwards.pop()]
        logs = {e["trace"] for e in trace.of("crilog", "lines")}
        assert None not in logs
        assert logs
        assert logs == {e["trace"] for e in trace.of("crilog", "opened")}
        for session in logs:
            assert {*STREAMS[:2], "kubelet-cri"} <= hops[session]


def test_what_attach_brings_in_and_out_is_the_same_on_all_hops(used):
    for trace in used.values():
        (session,) = {
            event["trace"]
            for event in trace.of("http1", "request")
            if "-att/cat?" in event["info"]["target"]
        }
        moved = defaultdict(int)
        for event in trace.events:
            if event["trace"] == session and (name := stream_of(event)):
                moved[event["hop"], event["conn"], name] += event["len"]

        witnesses = Counter(hop for hop, _, name in moved if name == "stdin")
        assert witnesses == Counter([*STREAMS, *STREAMS[1:], "cri-shim"])
        assert set(moved.values()) == {len(TYPED)}


def stream_of(event):
    """stdin or stdout of an event whose bytes are theirs."""
    name = event["info"].get("name") if event["layer"] == "spdy" else event["type"]
    layers = "channel", "spdy", "process"
    return name if event["layer"] in layers and name in ("stdin", "stdout") else None


def test_what_is_said_stands_in_the_trace(used):
    for trace in used.values():
        (asked,) = [
            e
            for e in trace.of("grpc", "message")
            if e["info"]["message_type"] == "runtime.v1.ExecRequest"
            and e["info"]["message"].get("cmd") == ["echo", "hi"]
            and e["conn"].startswith("cri")
        ]
        outputs = [
            base64.b64decode(e["data"])
            for e in trace.events
            if e["trace"] == asked["trace"] and e["data"] and e["dir"] == "down"
        ]
        # at both ends of two hops, at one of the third, and of the process
        assert sum(b"hi\n" in data for data in outputs) >= 6
        codes = {
            cause["message"]
            for e in trace.of("remotecommand", "status")
            for cause in e["info"]["status"].get("details", {}).get("causes", ())
        }
        assert "3" in codes


def test_with_all_bytes_the_chunks_are_what_went_by_without_secrets(cluster):
    with tracing(cluster, "all", bytes="all", hash=True) as trace:
        cluster.mini_kubectl("exec", "web", "--", "echo", "hi", check=True)
        cluster.mini_kubectl("get", "secret", "s", "-o", "yaml", check=True)
        cluster.pod("other", env=[])

    sizes = defaultdict(int)
    late = set()
    for event in trace.events:
        if event["layer"] == "bytes":
            assert len(base64.b64decode(event["data"])) == event["len"]
            sizes[event["conn"], event["dir"]] += event["len"]
        elif event["layer"] == "conn" and event["info"].get("late"):
            late.add(event["conn"])
    closed = [e for e in trace.of("conn", "close") if e["conn"] not in late]
    assert len(closed) > 5
    for event in closed:
        for way in ("up", "down"):
            assert sizes[event["conn"], way] == event["info"][way]
    assert_no_secret(trace)


def test_no_secret_stands_in_a_trace(cluster, used):
    for trace in used.values():
        assert_no_secret(trace)
    begin = tracing(cluster, "start")
    for path in begin.folder.glob("*.jsonl"):
        begin.events += map(json.loads, path.read_text().splitlines()[1:])
    assert begin.of("cri", "CreateContainer")
    assert_no_secret(begin)


def assert_no_secret(trace):
    secret = PASSWORD.encode()
    for event in trace.events:
        text = json.dumps(event).encode() + base64.b64decode(event["data"] or "")
        assert secret not in text, event
        assert base64.b64encode(secret) not in text, event
    for event in trace.of("http1", "request"):
        if event["hop"] == "kubelet-cri-streaming":
            assert event["info"]["target"].endswith("/***")


def test_asked_for_secrets_are_shown(cluster):
    with tracing(cluster, "naked", bytes="all", secrets=True) as trace:
        cluster.mini_kubectl("get", "secret", "s", "-o", "yaml", check=True)

    assert base64.b64encode(PASSWORD.encode()) in trace.text()
