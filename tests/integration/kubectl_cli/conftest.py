"""Running mini-kubectl in this process against a server of the test."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from typing import TYPE_CHECKING

from stub_server import Handler, StubServer  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Result:
    """What a command printed, and how it ended."""

    stdout: str
    stderr: str
    code: int


@pytest.fixture
def serve() -> Iterator[Callable[..., StubServer]]:
    """Start stub servers; all are closed at the end, and none may have failed."""
    servers: list[StubServer] = []

    def start(handler: Handler, **options: object) -> StubServer:
        server = StubServer(handler, **options)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()
    assert not [error for server in servers for error in server.errors]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own: no kubeconfig, no cache, no proxy."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "HTTPS_PROXY", "HTTP_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def kubectl(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Run one command line; `stdin` is what it reads, nothing by default."""
    from kubectl_cli.main import run

    def call(server: StubServer | None, *argv: str, stdin: bytes = b"") -> Result:
        command = list(argv)
        if server is not None:
            command = ["--server", server.url, *command]
        reader, writer = os.pipe()
        os.write(writer, stdin)
        os.close(writer)
        saved = os.dup(0)
        os.dup2(reader, 0)
        os.close(reader)
        with open(0, encoding="utf-8", closefd=False) as stream:
            monkeypatch.setattr(sys, "stdin", stream)
            try:
                code = run(command)
            finally:
                os.dup2(saved, 0)
                os.close(saved)
        sys.stdout.flush()
        sys.stderr.flush()
        out, err = capfd.readouterr()
        return Result(out, err, code)

    return call


def write_kubeconfig(path: Path, server: str, **cluster: object) -> Path:
    """A kubeconfig with one context."""
    user = cluster.pop("user", {"token": "secret"})
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(json.dumps(config))
    return path
