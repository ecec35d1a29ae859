"""exec over SPDY: when it is chosen, and that a session is the same on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from replay import session  # type: ignore[import-not-found]
from stub_server import (  # type: ignore[import-not-found]
    Answer,
    Request,
    Switch,
    json_answer,
)

from wire.exit_status import exited, internal_error
from wire.remotecommand import PeerClosed, StdinClosed, StdinReceived, StreamOptions
from wire.remotecommand_spdy import SpdyRemoteCommandServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

POD: dict[str, Any] = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"containers": [{"name": "c"}]},
    "status": {"phase": "Running"},
}
SWITCH = "KUBECTL_REMOTE_COMMAND_WEBSOCKETS"


def speak(
    stream: socket.socket, leftover: bytes, options: StreamOptions, protocol: str
) -> None:
    """Echo stdin to stdout, say `err` on stderr, end with code 3."""
    core = SpdyRemoteCommandServer(protocol, options)
    open_stdin, data = options.stdin, leftover
    while True:
        for event in core.receive_data(data):
            match event:
                case StdinReceived(received):
                    core.send_stdout(received)
                case StdinClosed() | PeerClosed():
                    open_stdin = False
        if core.ready and not open_stdin:
            core.send_stderr(b"err\n")
            core.send_result(
                exited(3) if protocol[:2] == "v4" else internal_error("boo")
            )
            core.close()
        stream.sendall(b"".join(core.data_to_send()))
        if core.closed:
            return
        data = stream.recv(65536)
        if not data:
            return


def spdy(protocol: str = "v4.channel.k8s.io") -> Callable[[Request], Switch]:
    """The server's 101 and what follows it."""

    def switch(request: Request) -> Switch:
        asked = {name for name, value in request.query if value == "true"}
        options = StreamOptions(
            stdin="stdin" in asked, stdout="stdout" in asked, stderr="stderr" in asked
        )
        headers = [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1")]
        if protocol:
            headers.append(("X-Stream-Protocol-Version", protocol))
        return Switch(lambda s, rest: speak(s, rest, options, protocol), headers)

    return switch


def server_of(websocket: Any, switch: Any) -> Callable[[Request], Any]:
    """A pod whose exec answers a GET so, and a POST so."""

    def handler(request: Request) -> Any:
        if not request.path.endswith("/exec"):
            return json_answer(POD)
        answer = websocket if request.method == "GET" else switch
        return answer(request) if callable(answer) else answer

    return handler


def methods(server: Any) -> list[str]:
    return [each.method for each in server.requests if each.path.endswith("/exec")]


@pytest.mark.parametrize("status", [200, 400, 403, 404, 500])
def test_a_refused_websocket_is_followed_by_spdy_with_the_same_url(
    status: int, serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(server_of(Answer(status, b"no"), spdy()))

    result = kubectl(server, "exec", "-i", "web", "--", "cat", stdin=b"in\n")

    assert (result.stdout, result.code) == ("in\n", 3)
    assert result.stderr == "err\ncommand terminated with exit code 3\n"
    first, second = server.requests[-2:]
    assert (first.method, second.method) == ("GET", "POST")
    assert first.target == second.target
    assert second.header("content-length") == "0"
    offered = [v for n, v in second.headers if n == "X-Stream-Protocol-Version"]
    assert offered == [
        "v5.channel.k8s.io",
        "v4.channel.k8s.io",
        "v3.channel.k8s.io",
        "v2.channel.k8s.io",
        "channel.k8s.io",
    ]


def test_a_handshake_with_another_subprotocol_is_followed_by_spdy(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    other = session()
    other.subprotocol = "v4.channel.k8s.io"
    server = serve(server_of(other, spdy()))

    result = kubectl(server, "exec", "web", "--", "x")

    assert (methods(server), result.code) == (["GET", "POST"], 3)


def test_no_answer_to_the_websocket_is_final(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(server_of(lambda request: None, spdy()))

    result = kubectl(server, "exec", "web", "--", "x")

    assert (result.stderr, result.code) == ("error: unexpected EOF\n", 1)
    assert "POST" not in methods(server)


@pytest.mark.parametrize("value", ["false", "FALSE"])
def test_the_environment_can_leave_the_websocket_out(
    value: str,
    serve: Callable[..., Any],
    kubectl: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(SWITCH, value)
    server = serve(server_of(session(), spdy()))

    result = kubectl(server, "exec", "web", "--", "x")

    assert (methods(server), result.code) == (["POST"], 3)


def test_another_value_changes_nothing(
    serve: Callable[..., Any],
    kubectl: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(SWITCH, "0")
    server = serve(server_of(session(b"out\n"), spdy()))

    result = kubectl(server, "exec", "web", "--", "x")

    assert (methods(server), result.stdout) == (["GET"], "out\n")


def test_errors_of_a_server_of_version_two_are_text(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(server_of(Answer(403), spdy("v2.channel.k8s.io")))

    result = kubectl(server, "exec", "web", "--", "x")

    assert (result.stdout, result.code) == ("", 1)
    assert "error: error executing remote command: " in result.stderr
    assert "boo" in result.stderr


def test_a_protocol_nobody_offered_is_refused(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    server = serve(server_of(Answer(403), spdy("v9.channel.k8s.io")))

    result = kubectl(server, "exec", "web", "--", "x")

    assert result.code == 1
    assert result.stderr.startswith("error: unable to negotiate protocol: ")


def test_a_cut_connection_is_a_failure_and_none_of_a_websocket(
    serve: Callable[..., Any], kubectl: Callable[..., Any]
) -> None:
    headers = [
        ("Connection", "Upgrade"),
        ("Upgrade", "SPDY/3.1"),
        ("X-Stream-Protocol-Version", "v4.channel.k8s.io"),
    ]
    server = serve(server_of(Answer(403), Switch(lambda stream, rest: None, headers)))

    result = kubectl(server, "exec", "-i", "web", "--", "x", stdin=b"in\n")

    assert (result.stderr, result.code) == ("error: unexpected EOF\n", 1)
