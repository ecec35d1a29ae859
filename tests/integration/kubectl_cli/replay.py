"""Answers requests with what a real API server 1.36.2 answered in the recordings."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from stub_server import (  # type: ignore[import-not-found]
    Answer,
    Request,
    Upgrade,
    WebSocket,
    json_answer,
    watch_answer,
)

RECORDINGS = Path(__file__).parents[2] / "vectors" / "kubectl" / "1.36.2"
# Chosen at random by the client, or left out by ours on purpose.
VOLATILE = {"timeoutSeconds", "timeout", "hash"}

Key = tuple[str, str, frozenset[tuple[str, str]]]


def key_of(method: str, target: str) -> Key:
    """What identifies a request: method, path and the steady part of the query."""
    parts = urlsplit(target)
    query = parse_qsl(parts.query, keep_blank_values=True)
    steady = frozenset((n, v) for n, v in query if n not in VOLATILE)
    if any(name == "fieldSelector" for name, _ in steady):
        # client-go joins the terms of a selector in a random order
        steady = frozenset(
            (n, ",".join(sorted(v.split(","))) if n == "fieldSelector" else v)
            for n, v in steady
        )
    return method, parts.path, steady


def load(name: str) -> dict[str, Any]:
    """One recording, by its file name without `.json`."""
    recording: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text())
    return recording


class Replay:
    """A handler for StubServer that plays back one recording.

    `streams` gives what the recording left out (watches, logs, sessions): an Answer
    or Upgrade, by the start of the path and query.
    """

    def __init__(
        self,
        recording: dict[str, Any],
        streams: dict[str, Answer | Upgrade] | None = None,
    ) -> None:
        self._answers: dict[Key, list[dict[str, Any]]] = defaultdict(list)
        for request in recording["requests"]:
            key = key_of(request["method"], request["path_and_query"])
            self._answers[key].append(request)
        self._streams = {} if streams is None else streams
        self._lock = threading.Lock()
        self.unknown: list[str] = []
        self.bodies: list[tuple[Any, Any]] = []  # recorded and sent

    def __call__(self, request: Request) -> Answer | Upgrade:
        with self._lock:
            for start, answer in self._streams.items():
                if request.target.startswith(start) and request.method == "GET":
                    answers = getattr(answer, "answers", None)
                    return next(answers) if answers is not None else answer
            recorded = self._answers.get(key_of(request.method, request.target))
            if not recorded:
                self.unknown.append(f"{request.method} {request.target}")
                return json_answer(not_found(request.path), 404)
            exchange = recorded.pop(0) if len(recorded) > 1 else recorded[0]
        if (wanted := exchange.get("request_body")) is not None:
            self.bodies.append((wanted, request.json()))
        body = exchange.get("response_body")
        if isinstance(body, dict | list):
            answer = json_answer(body, exchange["status"])
            content_type = exchange.get("response_content_type")
            if content_type and "protobuf" not in content_type:
                answer.headers = [("Content-Type", content_type)]
            return answer
        return Answer(exchange["status"], (body or "").encode())


def not_found(path: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "the server could not find the requested resource",
        "reason": "NotFound",
        "details": {},
        "code": 404,
    }


def session(
    stdout: bytes = b"",
    stderr: bytes = b"",
    exit_code: int = 0,
    status: dict[str, Any] | None = None,
    *,
    echo: bool = False,
) -> Upgrade:
    """A v5 session that writes this, echoes stdin when asked, and ends so."""

    def run(websocket: WebSocket) -> None:
        websocket.send(1, b"")
        if stdout:
            websocket.send(1, stdout)
        if stderr:
            websocket.send(2, stderr)
        while echo:
            channel, data = websocket.receive()
            if channel == 255:
                break
            if channel == 0:
                websocket.send(1, data)
        websocket.send(3, json.dumps(status or exit_status(exit_code)).encode())
        websocket.close()

    return Upgrade(run)


def exit_status(code: int) -> dict[str, Any]:
    """The Status of remotecommand for this exit code."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit code {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def initial_events(*objects: dict[str, Any]) -> Answer:
    """A WatchList answer: the objects as ADDED, then the bookmark that ends them."""
    version = objects[-1]["metadata"]["resourceVersion"] if objects else "1"
    bookmark = {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "resourceVersion": version,
            "annotations": {"k8s.io/initial-events-end": "true"},
        },
    }
    events = [{"type": "ADDED", "object": each} for each in objects]
    return watch_answer([*events, {"type": "BOOKMARK", "object": bookmark}])
