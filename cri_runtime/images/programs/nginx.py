"""The program of the catalogue's nginx: a small HTTP/1.1 server with a welcome page."""

from __future__ import annotations

import select
import sys
import time

sys.path.append(__file__.partition("/cri_runtime/images/")[0])

from typing import TYPE_CHECKING

from cri_runtime.images.programs.serving import listen, serve

if TYPE_CHECKING:
    import socket

PAGE = b"""<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
<style>html { color-scheme: light dark; } body { width: 35em; margin: 0 auto; font-family: sans-serif; }</style>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>This page is served by mini-kube's stand-in for nginx: the pod runs, and its port is open.</p>
</body>
</html>
"""
NOT_FOUND = b"<html>\n<head><title>404 Not Found</title></head>\n<body>\n<center><h1>404 Not Found</h1></center>\n<hr><center>nginx</center>\n</body>\n</html>\n"
BAD_REQUEST = NOT_FOUND.replace(b"404 Not Found", b"400 Bad Request")
NOT_ALLOWED = NOT_FOUND.replace(b"404 Not Found", b"405 Not Allowed")
MAX_HEAD = 32 * 1024


class Connection:
    """One client; requests are answered one after another."""

    def __init__(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        self._socket = sock
        self._peer = peer[0]
        self._received = b""
        self._sending = b""
        self._skip = 0
        self._closing = False

    def wants(self) -> int:
        """Poll events; none when it is over."""
        if self._sending:
            return select.POLLOUT
        return 0 if self._closing else select.POLLIN

    def ready(self, events: int) -> None:
        """Read, answer, write."""
        if events & select.POLLOUT:
            self._send()
        elif events & (select.POLLIN | select.POLLHUP):
            data = self._socket.recv(65536)
            if not data:
                self._closing = True
                return
            self._received += data
            self._answer_all()
            self._send()
        else:
            self._closing = True

    def _send(self) -> None:
        if self._sending:
            try:
                self._sending = self._sending[self._socket.send(self._sending) :]
            except BlockingIOError:
                return

    def _answer_all(self) -> None:
        while not self._closing:
            drop = min(self._skip, len(self._received))
            self._received = self._received[drop:]
            self._skip -= drop
            end = self._received.find(b"\r\n\r\n")
            if self._skip or end < 0:
                if len(self._received) > MAX_HEAD:
                    self._reply("-", 400, BAD_REQUEST, {"connection": "close"})
                return
            head, self._received = self._received[:end], self._received[end + 4 :]
            self._answer(head.decode("latin-1").split("\r\n"))

    def _answer(self, lines: list[str]) -> None:
        fields = [line.partition(":") for line in lines[1:]]
        headers = {name.strip().lower(): value.strip() for name, _, value in fields}
        try:
            method, target, version = lines[0].split(" ")
            self._skip = int(headers.get("content-length", "0"))
        except ValueError:
            self._reply(lines[0], 400, BAD_REQUEST, {"connection": "close"})
            return
        if version == "HTTP/1.0":
            headers.setdefault("connection", "close")
        path = target.partition("?")[0]
        if method not in ("GET", "HEAD"):
            status, body = 405, NOT_ALLOWED
        elif path in ("/", "/index.html"):
            status, body = 200, PAGE
        else:
            status, body = 404, NOT_FOUND
        self._reply(lines[0], status, body, headers, head_only=method == "HEAD")

    def _reply(
        self,
        request: str,
        status: int,
        body: bytes,
        headers: dict[str, str],
        *,
        head_only: bool = False,
    ) -> None:
        reasons = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Not Allowed"}
        self._closing = headers.get("connection", "").lower() == "close"
        now = time.gmtime()
        head = (
            f"HTTP/1.1 {status} {reasons[status]}\r\n"
            "Server: nginx\r\n"
            f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S GMT', now)}\r\n"
            "Content-Type: text/html\r\n"
            f"Content-Length: {len(body)}\r\n"
            f"Connection: {'close' if self._closing else 'keep-alive'}\r\n\r\n"
        )
        self._sending += head.encode() + (b"" if head_only else body)
        sys.stdout.write(
            f"{self._peer} - - [{time.strftime('%d/%b/%Y:%H:%M:%S +0000', now)}] "
            f'"{request}" {status} {0 if head_only else len(body)} "-" '
            f'"{headers.get("user-agent", "-")}" "-"\n'
        )
        sys.stdout.flush()


def main() -> None:
    """Serve."""
    listeners = listen()
    for listener in listeners:
        address, port = listener.getsockname()
        sys.stderr.write(f"nginx: listening on {address}:{port}\n")
    serve(listeners, Connection)


main()
