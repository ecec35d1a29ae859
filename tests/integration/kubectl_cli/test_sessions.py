"""exec and attach against a stub: what goes over the wire, and how a session ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from replay import exit_status, session  # type: ignore[import-not-found]
from stub_server import (  # type: ignore[import-not-found]
    Answer,
    Request,
    Upgrade,
    WebSocket,
    json_answer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

POD: dict[str, Any] = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"containers": [{"name": "c"}]},
    "status": {"phase": "Running"},
}


def pod_and(stream: Any, pod: dict[str, Any] = POD) -> Callable[[Request], Any]:
    """A server with one pod, whose streaming subresources answer `stream`."""

    def handler(request: Request) -> Any:
        if request.path.endswith(("/exec", "/attach")):
            return stream(request) if callable(stream) else stream
        return json_answer(pod)

    return handler


def ending(*frames: tuple[int, bytes] | int) -> Upgrade:
    """A session that sends channel data, and ends with a close code or without."""

    def run(websocket: WebSocket) -> None:
        websocket.send(1, b"")
        for frame in frames:
            if isinstance(frame, int):
                websocket.close(frame)
            else:
                websocket.send(*frame)

    return Upgrade(run)


def status(**fields: Any) -> tuple[int, bytes]:
    return 3, json.dumps(fields).encode()


@pytest.mark.parametrize("code", [0, 1, 42, 137, 255])
def test_exit_codes_pass_through(
    code: int, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(pod_and(session(b"out\n", exit_code=code)))

    result = kubectl(server, "exec", "web", "--", "x")

    told = f"command terminated with exit code {code}\n" if code else ""
    assert (result.stdout, result.stderr, result.code) == ("out\n", told, code)


ENDINGS = {
    "closed without a status": ((1000,), "", 0),
    "a failure": (
        (status(status="Failure", message="boo", reason="InternalError"), 1000),
        "error: boo\n",
        1,
    ),
    "exit code too large": (
        ((3, json.dumps(exit_status(300)).encode()), 1000),
        'error: error stream protocol error: invalid exit code value "300"\n',
        1,
    ),
    "no details": (
        (status(status="Failure", message="m", reason="NonZeroExitCode"), 1000),
        "error: error stream protocol error: details must be set\n",
        1,
    ),
    "neither success nor failure": (
        (status(status="Foo"), 1000),
        "error: error stream protocol error: unknown error\n",
        1,
    ),
    "a channel nobody asked for": (
        ((9, b"zz"), (3, json.dumps(exit_status(0)).encode()), 1000),
        "",
        0,
    ),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_a_session_ends_as_kubectl_says(
    name: str, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    frames, stderr, code = ENDINGS[name]
    server = serve(pod_and(ending(*frames)))

    result = kubectl(server, "exec", "web", "--", "x")

    assert (result.stderr, result.code) == (stderr, code)


BREAKS = {
    "internal error": (
        (1011,),
        "next reader: websocket: close 1011 (internal server error)",
    ),
    "going away": ((1001,), "next reader: websocket: close 1001 (going away)"),
    "cut": (
        (),
        "next reader: websocket: close 1006 (abnormal closure): unexpected EOF",
    ),
    "cut after the status": (
        ((3, json.dumps(exit_status(0)).encode()),),
        "next reader: websocket: close 1006 (abnormal closure): unexpected EOF",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_session_fails_even_after_its_output(
    name: str, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    frames, text = BREAKS[name]
    server = serve(pod_and(ending((1, b"out\n"), *frames)))

    result = kubectl(server, "exec", "web", "--", "x")

    assert (result.stdout, result.code) == ("out\n", 1)
    *streams, last = result.stderr.splitlines()
    assert last == f"error: error reading from error stream: {text}"
    assert [line.split("] ")[1].split(" err=")[0] for line in streams] == [
        '"Copying stderr failed"',
        '"Copying stdout failed"',
    ]


REFUSALS = {
    "a status": (
        json_answer(
            {"kind": "Status", "message": "pods is forbidden", "code": 403}, 403
        ),
        "pods is forbidden",
    ),
    "text": (Answer(404, b"some text\n"), "some text"),
    "nothing": (Answer(403), "empty server response"),
    "no upgrade at all": (Answer(200, b"okbody"), "okbody"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refused_upgrade_is_told_as_the_second_attempt_would_be(
    name: str, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    answer, text = REFUSALS[name]
    server = serve(pod_and(answer))

    result = kubectl(server, "exec", "web", "--", "x")

    expected = f"error: unable to upgrade connection: {text}\n"
    assert (result.stderr, result.code) == (expected, 1)


def test_a_server_that_hangs_up_before_it_answers_is_an_unexpected_eof(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(pod_and(lambda request: None))

    result = kubectl(server, "exec", "web", "--", "x")

    assert (result.stderr, result.code) == ("error: unexpected EOF\n", 1)


def test_one_connection_serves_the_pod_and_the_upgrade(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(pod_and(session()))

    kubectl(server, "exec", "web", "--", "x")

    assert server.connections == 1


def test_the_request_is_the_one_kubectl_sends(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(pod_and(session()))

    kubectl(server, "exec", "-i", "web", "--", "sh", "-c", "echo 'a b' && c")

    request = server.requests[-1]
    assert request.target == (
        "/api/v1/namespaces/default/pods/web/exec?command=sh&command=-c"
        "&command=echo+%27a+b%27+%26%26+c&container=c&stderr=true&stdin=true&stdout=true"
    )
    assert request.header("sec-websocket-protocol") == "v5.channel.k8s.io"
    assert request.header("kubectl-command") == "kubectl exec"


def test_stdin_arrives_whole_and_its_end_is_told(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    got: list[tuple[int, bytes]] = []

    def collect(websocket: WebSocket) -> None:
        websocket.send(1, b"")
        while not got or got[-1][0] != 255:
            got.append(websocket.receive())
        websocket.send(3, json.dumps(exit_status(0)).encode())
        websocket.close()

    server = serve(pod_and(Upgrade(collect)))

    result = kubectl(server, "exec", "-i", "web", "--", "cat", stdin=b"hello\n" * 5)

    assert result.code == 0
    assert got == [(0, b"hello\n" * 5), (255, b"\x00")]


def test_without_i_nothing_is_said_about_stdin(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    frames: list[int] = []

    def watch(websocket: WebSocket) -> None:
        websocket.send(3, json.dumps(exit_status(0)).encode())
        websocket.close()
        opcode, _ = websocket.receive_frame()
        frames.append(opcode)

    server = serve(pod_and(Upgrade(watch)))

    kubectl(server, "exec", "web", "--", "cat")

    server.close()
    assert frames == [8]  # the answer to the close, and nothing before it


def test_pings_of_the_server_are_answered(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    pongs: list[tuple[int, bytes]] = []

    def ping(websocket: WebSocket) -> None:
        websocket.send_frame(9, b"are you there")
        pongs.append(websocket.receive_frame())
        websocket.close()

    server = serve(pod_and(Upgrade(ping)))

    kubectl(server, "exec", "web", "--", "x")

    assert pongs == [(10, b"are you there")]


def test_large_output_arrives_whole(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    block = bytes(range(32, 127)) * 344 + b"\n"

    def flood(websocket: WebSocket) -> None:
        for _ in range(100):
            websocket.send(1, block)
        websocket.send(3, json.dumps(exit_status(0)).encode())
        websocket.close()

    server = serve(pod_and(Upgrade(flood)))

    result = kubectl(server, "exec", "web", "--", "x")

    assert result.stdout == (block * 100).decode()


def test_a_reader_that_stops_holds_back_the_server(
    serve: Callable[..., Any], own_home: Any
) -> None:
    """Nothing is lost, and what waits in us stays small."""
    sent = 0
    block = b"x" * 32768
    blocked = threading.Event()

    def flood(websocket: WebSocket) -> None:
        nonlocal sent
        websocket.stream.settimeout(0.5)
        try:
            while sent < 64 * 1024 * 1024:
                websocket.send(1, block)
                sent += len(block)
        except TimeoutError:
            blocked.set()

    server = serve(pod_and(Upgrade(flood)))
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "kubectl_cli.main", "--server", server.url]
    with subprocess.Popen(
        [*command, "exec", "web", "--", "x"],
        stdout=writer,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    ) as process:
        os.close(writer)

        assert blocked.wait(20)
        assert sent < 32 * 1024 * 1024
        os.close(reader)
    # nobody reads any more: it dies as kubectl does, by SIGPIPE, or of the cut session
    assert process.returncode in (-signal.SIGPIPE, 1)


def test_completed_pods_are_refused(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(pod_and(session(), {**POD, "status": {"phase": "Succeeded"}}))

    result = kubectl(server, "exec", "web", "--", "x")

    assert result.stderr == (
        "error: cannot exec into a container in a completed pod; current phase is"
        " Succeeded\n"
    )


TWO = {**POD, "spec": {"containers": [{"name": "a"}, {"name": "b"}]}}
TWO_AND_INIT = {
    **POD,
    "spec": {
        "containers": [{"name": "a"}, {"name": "b"}],
        "initContainers": [{"name": "i"}],
        "ephemeralContainers": [{"name": "e"}],
    },
}


def annotated(name: str) -> dict[str, Any]:
    key = "kubectl.kubernetes.io/default-container"
    return {**TWO, "metadata": {**POD["metadata"], "annotations": {key: name}}}


@pytest.mark.parametrize(
    ("pod", "flags", "container", "told"),
    [
        (POD, [], "c", ""),
        (TWO, [], "a", 'Defaulted container "a" out of: a, b\n'),
        (TWO, ["-q"], "a", ""),
        (TWO, ["-c", "b"], "b", ""),
        (annotated("b"), [], "b", ""),
        (
            TWO_AND_INIT,
            [],
            "a",
            'Defaulted container "a" out of: a, b, e (ephem), i (init)\n',
        ),
    ],
)
def test_the_container_is_chosen_as_kubectl_does(
    pod: dict[str, Any],
    flags: list[str],
    container: str,
    told: str,
    serve: Callable[..., Any],
    kubectl: Callable[..., Any],
) -> None:
    server = serve(pod_and(session(), pod))

    result = kubectl(server, "exec", *flags, "web", "--", "x")

    assert (result.stderr, result.code) == (told, 0)
    assert ("container", container) in server.requests[-1].query


@pytest.mark.parametrize("pod", [TWO, annotated("nosuch")])
def test_a_container_that_is_not_there_is_refused_before_any_upgrade(
    pod: dict[str, Any], serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(pod_and(session(), pod))
    flags = ["-c", "nosuch"] if pod is TWO else []

    result = kubectl(server, "exec", *flags, "web", "--", "x")

    assert (result.stderr, result.code) == (
        "error: container nosuch is not valid for pod web out of: a, b\n",
        1,
    )
    assert len(server.requests) == 1


def test_traces_are_printed_when_the_session_ends(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(pod_and(session(b"out\n", exit_code=3)))

    result = kubectl(server, "exec", "--trace", "web", "--", "x")

    assert (result.stdout, result.code) == ("out\n", 3)
    trace = server.requests[-1].header("traceparent").split("-")[1]
    assert f"session {trace}" in result.stderr
    assert "GET /api/v1/namespaces/default/pods/web" in result.stderr
    assert "101 Switching Protocols" in result.stderr
    assert "channel stdout #1 (4 B)" in result.stderr
