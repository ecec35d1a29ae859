"""cp against a stub: connections that break, and what is not a whole archive."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from replay import exit_status  # type: ignore[import-not-found]
from stub_server import (  # type: ignore[import-not-found]
    Answer,
    Request,
    Upgrade,
    WebSocket,
    json_answer,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POD: dict[str, Any] = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"containers": [{"name": "c"}]},
    "status": {"phase": "Running"},
}
CONTENT = bytes(range(256)) * 1000


def archive() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as made:
        entry = tarfile.TarInfo("data")
        entry.size = len(CONTENT)
        made.addfile(entry, io.BytesIO(CONTENT))
    return stream.getvalue()


def command_of(request: Request) -> list[str]:
    return [value for name, value in request.query if name == "command"]


def pod_that_says(stream: Callable[[Request], Any]) -> Callable[[Request], Any]:
    def handler(request: Request) -> Any:
        if request.path.endswith("/exec"):
            return stream(request)
        return json_answer(POD)

    return handler


def sending(data: bytes, *, whole: bool, code: int = 0) -> Upgrade:
    """A session that writes this, and then ends well, or is cut."""

    def run(websocket: WebSocket) -> None:
        for start in range(0, len(data), 32768):
            websocket.send(1, data[start : start + 32768])
        if whole:
            websocket.send(3, json.dumps(exit_status(code)).encode())
            websocket.close()

    return Upgrade(run)


def test_a_copy_that_is_cut_is_resumed_where_it_was(
    serve: Callable[..., Any], kubectl: Callable[..., Any], tmp_path: Path
) -> None:
    data = archive()

    def stream(request: Request) -> Upgrade:
        script = command_of(request)[-1]
        start = max(0, int(script.rpartition("+")[2]) - 1)
        return sending(data[start : start + 100_000], whole=start + 100_000 > len(data))

    server = serve(pod_that_says(stream))

    result = kubectl(
        server, "cp", "--retries=5", "web:/it's/data/../../data", f"{tmp_path}/x"
    )

    assert result.code == 0, result.stderr
    assert (tmp_path / "x").read_bytes() == CONTENT
    first = command_of(server.requests[1])
    assert first[:2] == ["sh", "-c"]
    assert first[2] == """tar cf - '/it'"'"'s/data/../../data' | tail -c+0"""
    assert result.stdout.startswith("Resuming copy at 100000 bytes, retry 1/5\n")


def test_a_copy_that_is_cut_too_often_fails(
    serve: Callable[..., Any], kubectl: Callable[..., Any], tmp_path: Path
) -> None:
    server = serve(pod_that_says(lambda request: sending(b"", whole=False)))

    result = kubectl(server, "cp", "--retries=2", "web:data", f"{tmp_path}/x")

    assert result.code == 1
    assert result.stdout.endswith("Dropping out copy after 2 retries\n")
    assert len([r for r in server.requests if r.path.endswith("/exec")]) == 3
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("size", [0, 1000])
def test_half_an_archive_is_no_success(
    size: int, serve: Callable[..., Any], kubectl: Callable[..., Any], tmp_path: Path
) -> None:
    half = archive()[:size]
    server = serve(pod_that_says(lambda request: sending(half, whole=True)))

    result = kubectl(server, "cp", "web:data", f"{tmp_path}/x")

    assert (result.stderr, result.code) == ("error: unexpected EOF\n", 1)


def test_the_code_of_the_pods_tar_passes_through(
    serve: Callable[..., Any], kubectl: Callable[..., Any], tmp_path: Path
) -> None:
    server = serve(pod_that_says(lambda request: sending(b"", whole=True, code=2)))

    result = kubectl(server, "cp", "web:data", f"{tmp_path}/x")

    assert result.stderr == "command terminated with exit code 2\n"
    assert result.code == 2


@pytest.mark.parametrize("words", [("web:data", "{}/x"), ("{}", "web:x")])
def test_a_refused_exec_ends_the_copy(
    words: tuple[str, str],
    serve: Callable[..., Any],
    kubectl: Callable[..., Any],
    tmp_path: Path,
) -> None:
    server = serve(pod_that_says(lambda request: Answer(403, b"no")))

    result = kubectl(server, "cp", *(word.format(tmp_path) for word in words))

    expected = "error: unable to upgrade connection: no\n"
    assert (result.stderr, result.code) == (expected, 1)
