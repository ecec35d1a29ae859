"""What goes wrong is answered as the real components answer it.

The texts are those of the references: remotecommand.md section 5, apiserver-proxying.md
sections 1 to 6, auth.md. Where a kubectl shows them, both kubectls are asked.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import signal
import ssl
import time

import pytest

from apiserver.authn.jwt import Signer, claims_of
from certs.pki import Pki
from tests.support.agreement import Pair
from tests.support.cluster import running_cluster
from tests.support.exec_client import api_client, exec_client, server_url, stats
from tests.support.raw_request import ask, connect, read_answer
from wire.exit_status import decode
from wire.remotecommand import Closed, RemoteCommandClient, StreamOptions
from wire.websocket import Opcode, client_handshake, encode_frame

PODS = "/api/v1/namespaces/default/pods"
_MASK = b"\x01\x02\x03\x04"
_NODES = itertools.count(1)


@pytest.fixture(scope="module")
def pki(cluster):
    return Pki(cluster.state / "pki")


@pytest.fixture
def pair(cluster, kubectl, tmp_path):
    return Pair(cluster.env, tmp_path, kubectl)


@pytest.fixture
def unlucky(cluster):
    """The node of the pod `unlucky`, which does not exist.

    Nobody had its name before: pods of a node that has been missing for 40 s are collected
    as soon as they are seen.
    """
    name, node = "unlucky", f"gone-{next(_NODES)}"
    at_once = ("--force", "--grace-period=0", "--ignore-not-found")
    cluster.mini_kubectl("delete", "pod", name, *at_once, check=True)
    cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {
                "nodeName": node,
                "containers": [{"name": "c", "image": "busybox"}],
            },
        }
    )
    return node


def refusal(cluster, target, *protocols):
    """Status code and body of the answer to a WebSocket handshake."""
    key = base64.b64encode(os.urandom(16)).decode()
    headers = client_handshake(key, protocols or ["v5.channel.k8s.io"])
    with api_client(cluster) as client:
        answer = client.upgrade("GET", target, headers)
        with answer:
            return answer.status, b"".join(answer.chunks())


REFUSALS = {
    "an unknown pod": (
        "no-such-pod/exec?command=true&stdout=true",
        404,
        "NotFound",
        'pods "no-such-pod" not found',
    ),
    "an unknown container": (
        "shell/exec?command=true&stdout=true&container=x",
        400,
        "BadRequest",
        "container x is not valid for pod shell",
    ),
    "a node that is gone": (
        "unlucky/exec?command=true&stdout=true",
        404,
        "NotFound",
        'nodes "gone" not found',
    ),
    "the log of an unknown container": (
        "shell/log?container=x",
        400,
        "BadRequest",
        "container x is not valid for pod shell",
    ),
}


@pytest.mark.parametrize(
    ("target", "code", "reason", "message"), REFUSALS.values(), ids=REFUSALS
)
def test_the_api_server_refuses(cluster, shell, unlucky, target, code, reason, message):
    status, body = refusal(cluster, f"{PODS}/{target}")

    told = json.loads(body)
    assert (status, told["code"], told["reason"]) == (code, code, reason)
    assert (told["kind"], told["status"], told["message"]) == (
        "Status",
        "Failure",
        message.replace('"gone"', f'"{unlucky}"'),
    )


def test_an_exec_that_is_no_upgrade_is_a_bad_request(cluster, shell):
    with api_client(cluster) as client:
        answer = client.request("GET", f"{PODS}/{shell}/exec?command=true&stdout=true")

    told = json.loads(answer.body)
    assert (answer.status, told["message"]) == (400, "Upgrade request required")


def test_an_exec_without_any_stream_is_refused_by_the_kubelet(cluster, shell):
    status, body = refusal(cluster, f"{PODS}/{shell}/exec?command=true")

    text = "you must specify at least 1 of stdin, stdout, stderr"
    assert (status, body.decode()) == (400, text)


@pytest.mark.parametrize("protocol", ["nonsense", "v2.channel.k8s.io"])
def test_a_wrong_subprotocol_is_refused_without_a_word(cluster, shell, protocol):
    target = f"{PODS}/{shell}/exec?command=true&stdout=true"

    assert refusal(cluster, target, protocol) == (403, b"")


KUBECTL_LINES = {
    "exec into a pod on no node": (
        "exec unlucky -- true",
        'error: unable to upgrade connection: nodes "gone" not found\n',
    ),
    "logs of a pod on no node": (
        "logs unlucky",
        'Error from server (NotFound): nodes "gone" not found\n',
    ),
    "a token that is none": (
        "--kubeconfig=none --token=nonsense get pods",
        "error: You must be logged in to the server (Unauthorized)\n",
    ),
    "no credentials": (
        "--kubeconfig=none get pods",
        "error: EOF\n",
    ),
    "exec without credentials": (
        "--kubeconfig=none exec shell -- true",
        "error: EOF\n",
    ),
}


@pytest.mark.parametrize(("line", "text"), KUBECTL_LINES.values(), ids=KUBECTL_LINES)
def test_kubectl_tells(cluster, shell, unlucky, pair, line, text):
    config = json.loads(cluster.kubeconfig.read_bytes())
    config["users"][0]["user"] = {}
    pair.write("none", json.dumps(config))

    told = pair.agree(line)

    text = text.replace('"gone"', f'"{unlucky}"')
    # Who has no credentials is asked for a name.
    prompt = "Please enter Username: " if text == "error: EOF\n" else ""
    assert (told.code, told.stdout, told.stderr) == (1, prompt, text)


def test_nobody_may_look_at_pods_without_a_certificate(cluster, pki):
    answer = anonymous(cluster, pki, "GET", PODS)

    assert (answer.status, json.loads(answer.body)["message"]) == (
        403,
        'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API'
        ' group "" in the namespace "default"',
    )


def test_a_token_is_taken_until_it_expires(cluster, pki):
    accounts = "/api/v1/namespaces/default/serviceaccounts/default/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
    now = int(time.time())
    with api_client(cluster) as client:
        headers = [("Content-Type", "application/json")]
        made = client.request("POST", accounts, headers, json.dumps(body).encode())
    claims = claims_of(json.loads(made.body)["status"]["token"])
    signer = Signer.read(pki.service_account_key)

    def answer(expiry):
        token = signer.sign(
            {**claims, "iat": now - 900, "nbf": now - 900, "exp": expiry}
        )
        return anonymous(
            cluster, pki, "GET", "/api/v1/pods", f"Authorization: Bearer {token}\r\n"
        )

    assert answer(now + 600).status == 403  # known, but not allowed
    expired = answer(now - 300)
    assert (expired.status, json.loads(expired.body)["message"]) == (
        401,
        "Unauthorized",
    )


def anonymous(cluster, pki, method, target, headers="", port=None):
    """An answer to someone who shows no certificate."""
    url = f"https://127.0.0.1:{port}" if port else server_url(cluster)
    with connect(url, pki.ca_cert) as connection:
        request = f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"
        return ask(connection, request.encode())


def test_a_kubelet_talks_to_nobody_without_a_certificate(cluster, pki):
    (node,) = cluster.get("nodes")["items"]
    port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]

    for target in ("/pods", "/exec/default/shell/shell?command=true&output=1"):
        answer = anonymous(cluster, pki, "GET", target, port=port)
        assert (answer.status, answer.body) == (401, b"Unauthorized")


BODIES = {
    "cut off": b'{"kind": "Pod", ',
    "no JSON at all": b"hello",
    "an array": b"[]",
    "no UTF-8": b'{"kind": "Pod", "metadata": {"name": "\xff"}}',
    "very deep": b"[" * 100_000,
    "empty": b"",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_malformed_json_is_a_bad_request(cluster, body):
    with api_client(cluster) as client:
        headers = [("Content-Type", "application/json")]
        answer = client.request("POST", PODS, headers, body)

    told = json.loads(answer.body)
    assert (answer.status, told["reason"]) in ((400, "BadRequest"), (422, "Invalid"))


@pytest.mark.parametrize("framing", ["Content-Length: 2147483648", "chunked"])
def test_a_body_of_two_gibibytes_is_refused_without_keeping_it(cluster, pki, framing):
    header = "Transfer-Encoding: chunked" if framing == "chunked" else framing
    piece = bytes(1024 * 1024)
    chunk = b"100000\r\n" + piece + b"\r\n" if framing == "chunked" else piece
    before = stats(cluster)["apiserver"]["rss_bytes"]

    with connect(server_url(cluster), pki.ca_cert, pki.admin) as connection:
        request = f"POST {PODS} HTTP/1.1\r\nHost: x\r\n{header}\r\n"
        connection.sendall(f"{request}Content-Type: application/json\r\n\r\n".encode())
        # The connection ends while most of the body is still to come.
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            for _ in range(4):
                connection.sendall(chunk)
        answer = read_answer(connection)

    assert answer.status == 413
    text = "Request entity too large: limit is 3145728"
    assert json.loads(answer.body)["message"] == text
    assert stats(cluster)["apiserver"]["rss_bytes"] - before < 16 * 1024 * 1024


class Session:
    """An exec whose frames are written by hand."""

    def __init__(self, cluster, pod, query, protocol):
        key = base64.b64encode(os.urandom(16)).decode()
        self._client = api_client(cluster)
        target = f"{PODS}/{pod}/exec?{query}"
        upgraded = self._client.upgrade(
            "GET", target, client_handshake(key, [protocol])
        )
        self._connection = upgraded.connection
        self._core = RemoteCommandClient(protocol, StreamOptions(stdout=True))
        self._events = self._core.receive_data(upgraded.leftover)

    def send(self, payload, opcode=Opcode.BINARY):
        self._connection.send_all(encode_frame(opcode, payload, mask=_MASK))

    def end(self):
        """Output, exit code (None without a Status) and close code."""
        while not any(isinstance(event, Closed) for event in self._events):
            data = self._connection.receive()
            core = self._core
            self._events += core.receive_data(data) if data else core.receive_eof()
        self._connection.close()
        kinds = {type(event).__name__: b"" for event in self._events}
        for event in self._events:
            kinds[type(event).__name__] += getattr(
                event, "data", getattr(event, "payload", b"")
            )
        status = kinds.get("StatusReceived")
        code = decode(status).code if status else None
        return kinds.get("StdoutReceived", b""), code, self._events[-1].code


# The command waits for the file, so that what we send comes before it ends.
_SCRIPT = "until+[+-e+{go}+]%3Bdo+:%3Bdone%3Bcat%3Becho+done"
_WAIT = f"command=sh&command=-c&command={_SCRIPT}"


_V4, _V5 = "v4.channel.k8s.io", "v5.channel.k8s.io"


@pytest.mark.parametrize(
    ("protocol", "channel"),
    # 255 means something in v5 only
    [*itertools.product([_V4, _V5], [0, 1, 2, 3, 4, 9]), (_V4, 255)],
)
def test_a_frame_for_a_channel_that_was_not_asked_for_is_dropped(
    cluster, shell, fresh_name, protocol, channel
):
    session = Session(
        cluster, shell, f"{_WAIT.format(go=fresh_name)}&stdout=1", protocol
    )

    session.send(bytes([channel]) + b"nobody asked for this")
    with exec_client(cluster, shell) as client:
        assert client.run("touch", fresh_name) == 0

    assert session.end() == (b"done\n", 0, 1000)


@pytest.mark.parametrize("payload", [b"\xff\x00\x01", b"\xff\x63", b"\xff"])
def test_a_wrong_close_of_a_channel_ends_the_session_without_a_status(
    cluster, shell, payload
):
    query = "command=cat&stdin=1&stdout=1"
    session = Session(cluster, shell, query, _V5)

    session.send(payload)

    assert session.end() == (b"", None, 1000)


@pytest.fixture(scope="module")
def headless():
    """A cluster whose kubelet was killed, and the kubelet's address."""
    with running_cluster("dead") as cluster:
        cluster.pod("lasting")
        (node,) = cluster.get("nodes")["items"]
        port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
        (pid,) = [pid for name, pid in cluster.pids().items() if "kubelet" in name]
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        yield cluster, f"127.0.0.1:{port}"
        cluster.mini_kube("up")


_REFUSED = "dial tcp {kubelet}: connect: connection refused\n"
DEAD = {
    "exec": (
        "exec lasting -- true",
        f"error: unable to upgrade connection: error dialing backend: {_REFUSED}",
    ),
    "attach": (
        "attach lasting -q",
        f"error: unable to upgrade connection: error dialing backend: {_REFUSED}",
    ),
    "logs": (
        "logs lasting",
        'Error from server: Get "https://{kubelet}/containerLogs/default/lasting/'
        f'lasting": {_REFUSED}',
    ),
}


@pytest.mark.parametrize(("line", "text"), DEAD.values(), ids=DEAD)
def test_a_kubelet_that_is_down_is_told(headless, kubectl, tmp_path, line, text):
    cluster, kubelet = headless
    pair = Pair(cluster.env, tmp_path, kubectl)

    real, ours = pair.outcomes(line, normalise=False)

    assert real == ours == (1, "", text.format(kubelet=kubelet))
