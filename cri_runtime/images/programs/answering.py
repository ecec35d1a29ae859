"""The ports of a scripted container: a thread a connection, blocking sockets.

Answers with regular expressions have a process each: only in a main thread can a pattern
that takes too long be given up (`cri_runtime.scripts.matching`), and a thread with one
would hold up all others.
"""

from __future__ import annotations

import _thread
import os
import select
import signal
import socket
import struct
import sys
import time

from cri_runtime.images.programs.serving import bind
from cri_runtime.scripts.matching import MatchTooLong, find_in, fits_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    JsonObject = dict[str, Any]

__all__ = ["listen_on", "serve_http"]

_MAX_HEAD = 64 * 1024


def listen_on(ports: JsonObject, script: JsonObject) -> Callable[[], NoReturn]:
    """Listen on all ports at once; what is returned serves them."""
    listeners = {}
    for port, answer in ports.items():
        listener = bind(int(port))
        listeners[listener.fileno()] = listener, answer

    def serve() -> NoReturn:
        # Who leaves before he has read all ends his own connection, not all of us.
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        children: list[int] = []
        poll = select.poll()
        for descriptor in listeners:
            poll.register(descriptor, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                listener, answer = listeners[descriptor]
                try:
                    connection, _ = listener.accept()
                except OSError:
                    continue
                connection.setblocking(True)
                if answer.get("http") is None and not answer.get("exchange"):
                    _thread.start_new_thread(_answer, (connection, answer, script))
                    continue
                # One by one: others may be of a `call`, which waits for them itself.
                children = [one for one in children if not _has_ended(one)]
                if child := os.fork():
                    connection.close()
                    children.append(child)
                else:
                    _answer(connection, answer, script)
                    os._exit(0)

    return serve


def _has_ended(child: int) -> bool:
    return os.waitpid(child, os.WNOHANG)[0] == child


def _answer(connection: socket.socket, answer: JsonObject, script: JsonObject) -> None:
    from cri_runtime.images.programs.replies import content

    try:
        with connection:
            time.sleep(answer.get("delay", 0))
            if reply := answer.get("reply"):
                connection.sendall(content(reply))
            if answer.get("close") == "reset":
                _reset(connection)
            elif answer.get("http") is not None:
                serve_http(connection.fileno(), answer["http"])
            elif answer.get("exchange"):
                _exchange(connection, answer["exchange"])
            elif answer.get("echo"):
                while data := connection.recv(65536):
                    connection.sendall(data)
            elif target := answer.get("call"):
                from cri_runtime.images.programs.calling import find

                find(target, script.get("python_path", []))(connection)
    except (OSError, MatchTooLong) as error:
        sys.stderr.write(f"scripted: connection: {error}\n")


def _reset(connection: socket.socket) -> None:
    """Close so that the peer gets a reset (socket(7), SO_LINGER with no time)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _exchange(connection: socket.socket, turns: list[JsonObject]) -> None:
    """A dialogue: wait until what came fits, reply, go on. Who says else is cut."""
    import re

    from cri_runtime.images.programs.replies import content

    received = b""
    for turn in turns:
        expected = re.compile(turn.get("expect", "").encode(), re.DOTALL)
        while (match := find_in(expected, received)) is None:
            data = connection.recv(65536)
            if not data:
                return
            received += data
        received = received[match.end() :]
        connection.sendall(content(turn.get("reply", "")))


def serve_http(descriptor: int, routes: list[JsonObject]) -> None:
    """HTTP/1.1 on a connected socket, request after request, until the client leaves."""
    received = b""
    while True:
        while b"\r\n\r\n" not in received:
            data = _read(descriptor)
            if not data or len(received) > _MAX_HEAD:
                return
            received += data
        head, _, received = received.partition(b"\r\n\r\n")
        request, *lines = head.decode("latin-1").split("\r\n")
        fields = dict(_field(line) for line in lines)
        length = int(fields.get("content-length", "0") or 0)
        while len(received) < length:
            data = _read(descriptor)
            if not data:
                return
            received += data
        received = received[length:]
        stays = fields.get("connection", "").lower() != "close"
        _write_all(descriptor, _response(request, routes, stays=stays))
        if not stays:
            return


def _response(request: str, routes: list[JsonObject], *, stays: bool) -> bytes:
    import re

    method, _, rest = request.partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    for route in routes:
        if fits_whole(re.compile(route.get("path", ".*")), path):
            break
    else:
        route = {"status": 404, "body": "404 page not found\n"}
    body = str(route.get("body", "")).encode()
    headers = {"Content-Type": "text/plain; charset=utf-8", **route.get("headers", {})}
    headers["Content-Length"] = str(len(body))
    headers["Connection"] = "keep-alive" if stays else "close"
    status = route.get("status", 200)
    head = [f"HTTP/1.1 {status} {_reason(status)}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    text = "\r\n".join([*head, "", ""]).encode("latin-1")
    return text if method == "HEAD" else text + body


def _reason(status: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
