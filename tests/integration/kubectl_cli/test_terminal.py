"""exec -it and attach -it under a pseudo-terminal, against a stub."""

from __future__ import annotations

import json
import os
import signal
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pexpect
import pytest
from replay import exit_status  # type: ignore[import-not-found]
from stub_server import (  # type: ignore[import-not-found]
    Request,
    Upgrade,
    WebSocket,
    json_answer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
POD: dict[str, Any] = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"containers": [{"name": "c", "tty": True, "stdin": True}]},
    "status": {"phase": "Running"},
}


class Shell:
    """The far end of a terminal session: keeps the sizes, and echoes lines."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, bytes]] = []

    def __call__(self, websocket: WebSocket) -> None:
        websocket.send(1, b"")
        websocket.send(1, b"prompt> ")
        line = b""
        while True:
            channel, data = websocket.receive()
            self.messages.append((channel, data))
            if channel == 4:
                websocket.send(1, b"size " + data.strip() + b"\r\n")
                continue
            line += data
            if b"cut\r" in line:
                return  # the connection is lost
            if b"exit\r" in line or channel == 255 or b"\x04" in line:
                break
            websocket.send(1, data)
        websocket.send(3, json.dumps(exit_status(6)).encode())
        websocket.close()

    @property
    def sizes(self) -> list[dict[str, int]]:
        return [json.loads(data) for channel, data in self.messages if channel == 4]


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.fixture
def start(
    serve: Callable[..., Any], shell: Shell, own_home: Path
) -> Iterator[Callable[..., pexpect.spawn[bytes]]]:
    """Start mini-kubectl under a terminal of 100 columns and 30 rows."""
    children = []

    def handler(request: Request) -> Any:
        if request.path.endswith(("/exec", "/attach")):
            return Upgrade(shell)
        return json_answer(POD)

    server = serve(handler)

    def spawn(*argv: str) -> pexpect.spawn[bytes]:
        child = pexpect.spawn(
            sys.executable,
            ["-m", "kubectl_cli.main", "--server", server.url, *argv],
            dimensions=(30, 100),
            timeout=30,
            env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(own_home)},
        )
        child.delaybeforesend = None
        children.append(child)
        return child

    yield spawn
    for child in children:
        child.close(force=True)


def settings(child: pexpect.spawn[bytes]) -> list[Any]:
    return termios.tcgetattr(child.child_fd)[:4]


def ended(child: pexpect.spawn[bytes]) -> int | None:
    child.expect(pexpect.EOF)
    child.wait()
    return child.exitstatus


def test_the_size_comes_first_and_the_code_passes_through(
    start: Callable[..., Any], shell: Shell
) -> None:
    child = start("exec", "-it", "web", "--", "sh")
    child.expect_exact("prompt> ")
    child.send("exit\r")

    code = ended(child)

    assert code == 6
    assert b"command terminated with exit code 6\r\n" in child.before
    assert shell.messages[0] == (4, b'{"Width":100,"Height":30}\n')


def test_the_terminal_is_raw_within_and_restored_after(
    start: Callable[..., Any],
) -> None:
    child = start("exec", "-it", "web", "--", "sh")
    before = settings(child)
    child.expect_exact("prompt> ")
    within = settings(child)
    child.send("exit\r")
    child.expect_exact("terminated")

    assert within[3] & (termios.ECHO | termios.ICANON | termios.ISIG) == 0
    assert settings(child) == before


def test_keys_pass_as_they_are(start: Callable[..., Any], shell: Shell) -> None:
    child = start("exec", "-it", "web", "--", "sh")
    child.expect_exact("prompt> ")
    child.send("\x03\x1a\x1b[A\t")
    child.send("exit\r")
    ended(child)

    typed = b"".join(data for channel, data in shell.messages if channel == 0)
    assert typed == b"\x03\x1a\x1b[A\texit\r"


def test_ctrl_d_is_a_key_and_not_the_end(
    start: Callable[..., Any], shell: Shell
) -> None:
    child = start("exec", "-it", "web", "--", "sh")
    child.expect_exact("prompt> ")
    child.send("\x04")

    assert ended(child) == 6
    assert (0, b"\x04") in shell.messages
    assert not [channel for channel, _ in shell.messages if channel == 255]


def test_a_resize_is_told(start: Callable[..., Any], shell: Shell) -> None:
    child = start("exec", "-it", "web", "--", "sh")
    child.expect_exact('size {"Width":100,"Height":30}')
    child.setwinsize(40, 120)
    child.expect_exact('size {"Width":120,"Height":40}')
    child.send("exit\r")

    assert ended(child) == 6
    assert shell.sizes == [{"Width": 100, "Height": 30}, {"Width": 120, "Height": 40}]


def test_attach_forces_a_redraw_with_a_wrong_size_first(
    start: Callable[..., Any], shell: Shell
) -> None:
    child = start("attach", "-it", "web")
    child.expect_exact("If you don't see a command prompt, try pressing enter.")
    child.expect_exact("prompt> ")
    child.send("exit\r")
    ended(child)

    assert shell.sizes[:2] == [
        {"Width": 101, "Height": 31},
        {"Width": 100, "Height": 30},
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_restores_the_terminal_and_ends_with_one(
    number: signal.Signals, start: Callable[..., Any]
) -> None:
    child = start("exec", "-it", "web", "--", "sh")
    before = settings(child)
    child.expect_exact("prompt> ")
    child.kill(number)
    child.expect(pexpect.EOF)
    after = settings(child)
    child.wait()

    assert after == before
    assert child.exitstatus == 1


def test_a_lost_connection_restores_the_terminal(start: Callable[..., Any]) -> None:
    child = start("exec", "-it", "web", "--", "sh")
    before = settings(child)
    child.expect_exact("prompt> ")
    child.send("cut\r")
    child.expect_exact("error: error reading from error stream: ")

    assert settings(child) == before
    assert ended(child) == 1


def test_t_without_a_terminal_goes_on_without_one(
    serve: Callable[..., Any], kubectl: Callable[..., Any], shell: Shell
) -> None:
    def handler(request: Request) -> Any:
        return Upgrade(shell) if "/exec" in request.path else json_answer(POD)

    server = serve(handler)

    result = kubectl(server, "exec", "-it", "web", "--", "sh")

    assert result.stderr.startswith(
        "Unable to use a TTY - input is not a terminal or the right kind of file\n"
    )
    assert ("tty", "true") not in server.requests[-1].query
    assert ("stderr", "true") in server.requests[-1].query
