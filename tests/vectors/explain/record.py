"""Makes the traces beside this file, from real sessions against real clusters.

    python -m tests.vectors.explain.record [NAME ...]

Each vector is one session as `mini-kube trace` wrote it. Left out are what no rule reads:
HTTP/2 frames, and the facts of other sessions on the same connections.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

from certs.pki import Pki
from hops.blocking.admin import AdminError, call_admin
from tests.support.cluster import BIN, running_cluster
from tests.support.exec_client import server_url
from tests.support.raw_request import connect
from traces.reader import read_folder
from wire.websocket import Opcode, client_handshake, encode_frame

HERE = Path(__file__).parent
POD = "web"
_LEFT_OUT = ("http2", "bytes", "tls")
_MASK = b"\x01\x02\x03\x04"


class Stage:
    """A cluster, and ways to talk to it that no kubectl has."""

    def __init__(self, cluster):
        self.cluster = cluster

    def kubectl(self, *arguments, **options):
        return self.cluster.mini_kubectl(*arguments, **options)

    def background(self, *arguments, **options):
        """mini-kubectl, running."""
        return subprocess.Popen(
            [str(BIN / "mini-kubectl"), *arguments],
            env=self.cluster.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            **options,
        )

    def raw(self, address=None):
        """TLS as administrator to the API server, or through `address`."""
        pki = Pki(self.cluster.state / "pki")
        url = server_url(self.cluster)
        if address is not None:
            url = f"https://127.0.0.1:{address}"
        return connect(url, pki.ca_cert, pki.admin)

    def request(self, head, *, method="GET", path="exec", pod=POD, **query):
        """Ask for a stream with exactly these headers; the connection, and the answer."""
        pairs = [
            (k, v)
            for k, vs in query.items()
            for v in (vs if isinstance(vs, list) else [vs])
        ]
        target = f"/api/v1/namespaces/default/pods/{pod}/{path}?{urlencode(pairs)}"
        lines = [
            f"{method} {target} HTTP/1.1",
            "Host: x",
            *(f"{k}: {v}" for k, v in head),
        ]
        connection = self.raw()
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection, read_head(connection)

    def websocket(self, subprotocols=("v5.channel.k8s.io",), **query):
        key = base64.b64encode(os.urandom(16)).decode()
        return self.request(client_handshake(key, list(subprotocols)), **query)

    def pids(self):
        return self.cluster.pids()

    def event(self, *wanted):
        """Wait until the trace has an event of such a layer and type."""
        layer, kind = wanted
        needle = f'"layer":"{layer}","type":"{kind}"'
        await_(
            lambda: any(needle in p.read_text() for p in self.folder.glob("*.jsonl"))
        )


def read_head(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            break
        data += more
    return data


def await_(holds, patience=30.0):
    end = time.monotonic() + patience
    while not holds():
        if time.monotonic() > end:
            raise AssertionError("it did not come")
        time.sleep(0.02)


def frame(payload, opcode=Opcode.BINARY):
    return encode_frame(opcode, payload, mask=_MASK)


def drain(connection):
    try:
        while connection.recv(65536):
            pass
    except OSError:
        pass


def relay_that_cuts(target_port):
    """A listener that passes bytes on; `cut()` ends all at once."""
    listener = socket.create_server(("127.0.0.1", 0))
    pairs = []

    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except AdminError:
            pass

    def serve():
        try:
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", target_port))
                pairs.append((client, server))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=copy, args=ends, daemon=True).start()
        except AdminError:
            pass

    threading.Thread(target=serve, daemon=True).start()

    def cut():
        listener.close()
        for pair in pairs:
            for one in pair:
                one.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
                )
                one.shutdown(socket.SHUT_RDWR)
                one.close()

    return listener.getsockname()[1], cut


SITUATIONS = {}


def situation(function):
    SITUATIONS[function.__name__.replace("_", "-")] = function
    return function


@situation
def nothing_wrong(stage):
    stage.kubectl("exec", "-i", POD, "--", "cat", stdin="hello\n")


@situation
def exit_3(stage):
    stage.kubectl("exec", POD, "--", "sh", "-c", "exit 3")


@situation
def shell_finds_nothing(stage):
    stage.kubectl("exec", POD, "--", "sh", "-c", "no-such-program")


@situation
def killed(stage):
    stage.kubectl("exec", POD, "--", "sh", "-c", "kill -9 $$")


@situation
def no_such_program(stage):
    stage.kubectl("exec", POD, "--", "no-such-program")


@situation
def output_held(stage):
    stage.kubectl("exec", POD, "--", "sh", "-c", "sleep 2 & echo started")


@situation
def stdin_over_v4(stage):
    query = {"command": "cat", "stdin": "true", "stdout": "true"}
    connection, _ = stage.websocket(["v4.channel.k8s.io"], **query)
    connection.sendall(frame(b"\0hello\n"))
    stage.event("process", "stdout")
    connection.close()
    stage.event("process", "client left")


@situation
def stdin_never_ends(stage):
    child = stage.background("exec", "-i", POD, "--", "cat", stdin=subprocess.PIPE)
    child.stdin.write(b"hello\n")
    child.stdin.flush()
    stage.event("process", "stdout")
    child.kill()
    child.wait()
    stage.event("process", "client left")


@situation
def client_killed(stage):
    child = stage.background("exec", POD, "--", "sleep", "3")
    stage.event("process", "started")
    child.kill()
    child.wait()
    stage.event("process", "client left")


@situation
def client_closes_websocket(stage):
    connection, _ = stage.websocket(command=["sleep", "3"], stdout="true")
    stage.event("process", "started")
    connection.sendall(frame(b"\x03\xe8", Opcode.CLOSE))
    drain(connection)


@situation
def container_has_ended(stage):
    connection, _ = stage.websocket(
        pod="twins", container="short", command="true", stdout="true"
    )
    drain(connection)


@situation
def no_such_pod(stage):
    connection, _ = stage.websocket(pod="nobody", command="true", stdout="true")
    connection.close()


@situation
def no_such_container(stage):
    connection, _ = stage.websocket(container="nobody", command="true", stdout="true")
    connection.close()


@situation
def not_allowed(stage):
    key = base64.b64encode(os.urandom(16)).decode()
    head = [*client_handshake(key, ["v5.channel.k8s.io"]), ("Impersonate-User", "jane")]
    connection, _ = stage.request(head, command="true", stdout="true")
    connection.close()


@situation
def token_unknown(stage):
    pki = Pki(stage.cluster.state / "pki")
    connection = connect(server_url(stage.cluster), pki.ca_cert)
    connection.sendall(
        b"GET /api/v1/namespaces/default/pods/web/exec?command=true&stdout=true HTTP/1.1"
        b"\r\nHost: x\r\nAuthorization: Bearer nonsense\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\n\r\n"
    )
    read_head(connection)
    connection.close()


@situation
def no_upgrade_header(stage):
    connection, _ = stage.request([], command="true", stdout="true")
    connection.close()


@situation
def no_websocket_key(stage):
    head = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
    ]
    connection, _ = stage.request(head, command="true", stdout="true")
    drain(connection)


@situation
def no_spdy_version(stage):
    head = [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1"), ("Content-Length", "0")]
    connection, _ = stage.request(head, method="POST", command="true", stdout="true")
    drain(connection)


@situation
def no_common_subprotocol(stage):
    connection, _ = stage.websocket(
        ["v9.channel.k8s.io"], command="true", stdout="true"
    )
    drain(connection)


@situation
def attach_without_stdin(stage):
    child = stage.background("attach", "-i", POD, stdin=subprocess.PIPE)
    stage.event("process", "attached")
    child.stdin.write(b"hello\n")
    child.stdin.flush()
    child.kill()
    child.wait()
    stage.event("process", "client left")


@situation
def terminal_without_size(stage):
    connection, _ = stage.websocket(
        command="true", stdin="true", stdout="true", tty="true"
    )
    drain(connection)


@situation
def cut_before_the_server(stage):
    port = int(server_url(stage.cluster).rpartition(":")[2])
    middle, cut = relay_that_cuts(port)
    child = stage.background(
        "exec", POD, "--", "sleep", "3", "-s", f"https://127.0.0.1:{middle}"
    )
    child.kill()
    child.wait()
    child = subprocess.Popen(
        [
            str(BIN / "mini-kubectl"),
            "-s",
            f"https://127.0.0.1:{middle}",
            "exec",
            POD,
            "--",
            "sleep",
            "3",
        ],
        env=stage.cluster.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stage.event("process", "started")
    cut()
    child.wait()
    stage.event("process", "client left")


@situation
def kubelet_killed(stage):
    child = stage.background("exec", POD, "--", "sleep", "3")
    stage.event("process", "started")
    (pid,) = [pid for name, pid in stage.pids().items() if name.startswith("kubelet")]
    os.kill(pid, signal.SIGKILL)
    child.wait()
    stage.event("process", "client left")


@situation
def kubelet_down(stage):
    (pid,) = [pid for name, pid in stage.pids().items() if name.startswith("kubelet")]
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    stage.kubectl("exec", POD, "--", "true")
    stage.cluster.mini_kube("up")


@situation
def port_refused(stage):
    with port_forward(stage, "99") as (child, port):
        with closing(socket.create_connection(("127.0.0.1", port))) as one:
            one.recv(100)
        child.send_signal(signal.SIGINT)
        child.wait()


@situation
def log_limited(stage):
    stage.kubectl("logs", POD, "--limit-bytes=10")


@situation
def log_tail(stage):
    stage.kubectl("logs", POD, "--tail=1")


@situation
def log_follow_ended(stage):
    stage.cluster.pod(
        "brief", "sh", "-c", "echo once; sleep 1.5", restartPolicy="Never"
    )
    stage.kubectl("logs", "-f", "brief")


@situation
def log_previous_missing(stage):
    stage.kubectl("logs", "-p", POD)


@situation
def container_unnamed(stage):
    connection = stage.raw()
    connection.sendall(
        b"GET /api/v1/namespaces/default/pods/twins/log HTTP/1.1\r\nHost: x\r\n"
        b"Connection: close\r\n\r\n"
    )
    drain(connection)


@situation
def container_starting(stage):
    stage.cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "waits"},
            "spec": {
                "containers": [{"name": "c", "image": "busybox"}],
                "volumes": [{"name": "v", "secret": {"secretName": "nowhere"}}],
            },
        }
    )
    stage.cluster.await_pod("waits", lambda pod: pod["status"].get("containerStatuses"))
    stage.kubectl("logs", "waits")


class port_forward:  # noqa: N801 - a context manager
    def __init__(self, stage, port):
        self.child = stage.background("port-forward", POD, f":{port}")

    def __enter__(self):
        line = self.child.stdout.readline().decode()
        return self.child, int(line.partition(" -> ")[0].rpartition(":")[2])

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()


def broken(name, *fault):
    """A situation of an exec under a fault: HOP TYPE KEY=VALUE ..."""

    def enter(function):
        def play(stage):
            _fault(stage, "add", *fault)
            try:
                function(stage)
            finally:
                _fault(stage, "reset")

        SITUATIONS[name] = play
        return function

    return enter


def _fault(stage, verb, *arguments):
    where = ["--state-dir", str(stage.cluster.state)]
    stage.cluster.run(
        "mini-kube",
        "fault",
        "--name",
        stage.cluster.name,
        *where,
        verb,
        *arguments,
        check=True,
    )


def _exec(stage, **options):
    # it gives all its requests one session id
    command = ("exec", "--explain", POD, "--", "sh", "-c", "echo out; exit 3")
    stage.kubectl(*command, **options)


SPDY = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"}
INNER = "apiserver-kubelet"
broken("status-missing", INNER, "status_missing")(_exec)
broken("status-malformed", INNER, "status_malformed", "payload=oh no")(_exec)
broken("status-twice", INNER, "status_twice")(_exec)
broken("close-code", INNER, "close_code", "code=1011", "reason=bye", "n=2")(_exec)
broken("text-for-binary", INNER, "text_for_binary", "n=2")(_exec)
broken("unknown-channel", INNER, "unknown_channel", "n=2")(_exec)
broken("cut-in-the-middle", INNER, "limit_data", "bytes=180")(_exec)
broken(
    "websocket-refused",
    INNER,
    "http_answer",
    "status=403",
    "body=no websockets here",
    "--upgrade",
    "websocket",
)(_exec)
broken(
    "html-page",
    INNER,
    "http_answer",
    "status=404",
    "content_type=text/html",
    "body=<h1>404</h1>",
    "--upgrade",
    "any",
)(_exec)
broken("subprotocol-stripped", INNER, "subprotocol")(_exec)
broken(
    "busy",
    INNER,
    "http_answer",
    "status=429",
    "headers=Retry-After: 60",
    "--upgrade",
    "any",
)(_exec)
broken(
    "call-refused",
    "kubelet-cri",
    "grpc_status",
    "method=Exec",
    "code=RESOURCE_EXHAUSTED",
    "message=too many sessions",
)(_exec)
broken("url-used", "kubelet-cri", "stream_url", "method=Exec", "how=used")(_exec)
broken("runtime-not-listening", "kubelet-cri", "stream_url", "method=Exec", "how=dead")(
    _exec
)
broken("certificate-expired", INNER, "certificate_expired")(_exec)
broken("spdy-reset", INNER, "spdy_reset", "status=2")(
    lambda stage: _exec(stage, env=SPDY)
)
broken("spdy-goaway", INNER, "spdy_goaway", "n=1")(lambda stage: _exec(stage, env=SPDY))


@situation
def over_spdy(stage):
    _exec(stage, env=SPDY)


def _slow_exec(stage):
    stage.kubectl("exec", POD, "--", "sleep", "17")


broken("no-pong", INNER, "no_pong")(_slow_exec)


#: With another emulated version.
OLD = {}


def old(version):
    def enter(function):
        OLD[function.__name__.replace("_", "-")] = (version, function)
        return function

    return enter


@old("1.34")
def translated_at_the_server(stage):
    stage.kubectl("exec", POD, "--", "true")


def record(stage, name, function, folder):
    stage.folder = folder / name
    for socket_path in stage.cluster.folder.rglob("*.admin"):
        call_admin(str(socket_path), {"cmd": "trace", "dir": str(stage.folder)})
    function(stage)
    for socket_path in stage.cluster.folder.rglob("*.admin"):
        try:
            call_admin(str(socket_path), {"cmd": "trace", "dir": None})
        except AdminError:
            continue
    stage.cluster.mini_kube("up")
    session = read_folder(stage.folder).session("last")
    write(HERE / f"{name}.jsonl", session)


def write(path, session):
    with path.open("w") as file:
        for event in session.events:
            if event.layer not in _LEFT_OUT:
                fields = {
                    k: v
                    for k, v in event.to_object().items()
                    if v not in (None, "", {})
                }
                fields.setdefault("dir", "")
                print(json.dumps(fields, ensure_ascii=False), file=file)


def play(situations, wanted, *arguments):
    chosen = {n: f for n, f in situations.items() if not wanted or n in wanted}
    if not chosen:
        return
    with running_cluster("rec", *arguments) as cluster:
        stage = Stage(cluster)
        cluster.pod(
            POD, "sh", "-c", "for i in 1 2 3; do echo line $i; done; sleep 1000000"
        )
        twins = [
            {"name": "short", "image": "busybox", "command": ["true"]},
            {"name": "long", "image": "busybox", "command": ["sleep", "100000"]},
        ]
        cluster.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "twins"},
                "spec": {"containers": twins, "restartPolicy": "Never"},
            }
        )
        cluster.await_pod("twins", lambda pod: _ended(pod, "short"))
        for name, function in chosen.items():
            print(name, flush=True)
            record(stage, name, function, cluster.folder / "traces")


def _ended(pod, name):
    statuses = pod["status"].get("containerStatuses") or []
    return any(s["name"] == name and "terminated" in s["state"] for s in statuses)


def main(wanted):
    play(SITUATIONS, wanted)
    for name, (version, function) in OLD.items():
        play({name: function}, wanted, "--emulate-version", version)


if __name__ == "__main__":
    main(sys.argv[1:])
