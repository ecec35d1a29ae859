"""A small threaded HTTP(S) server that answers as a script says.

It is an implementation of its own (no code of `wire`), so that client and server
cannot be wrong together.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass
class Request:
    """One request as the server read it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    peer_certificate: bytes | None = None

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def header(self, name: str) -> str | None:
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """A plain answer; `body` may be an iterable of chunks for a stream."""

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    reason: str = "OK"
    close: bool = False


def json_answer(value: Any, status: int = 200) -> Answer:
    return Answer(
        status, json.dumps(value).encode(), [("Content-Type", "application/json")]
    )


def _linger(stream: socket.socket) -> None:
    """Close so that the peer can still read the last bytes: nothing unread is left.

    A close over unread input sends RST, and RST takes what the peer has not read yet.
    """
    with contextlib.suppress(OSError), stream:
        plain = socket.socket
        plain.settimeout(stream, 5)
        plain.shutdown(stream, socket.SHUT_WR)
        while plain.recv(stream, 65536):
            pass


def watch_answer(events: Iterable[dict[str, Any]]) -> Answer:
    return Answer(
        200,
        (json.dumps(event).encode() + b"\n" for event in events),
        [("Content-Type", "application/json")],
    )


class WebSocket:
    """The server's end of a WebSocket: frames in and out, nothing clever."""

    def __init__(self, stream: socket.socket, leftover: bytes) -> None:
        self.stream = stream
        self.buffer = bytearray(leftover)
        self.pings: list[bytes] = []

    def send(self, channel: int, data: bytes) -> None:
        self.send_frame(2, bytes([channel]) + data)

    def send_frame(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, size)
        elif size < 65536:
            head = struct.pack("!BBH", 0x80 | opcode, 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
        self.stream.sendall(head + payload)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.send_frame(8, struct.pack("!H", code) + reason.encode())

    def _take(self, size: int) -> bytes:
        while len(self.buffer) < size:
            data = self.stream.recv(1 << 16)
            if not data:
                raise ConnectionError("peer closed")
            self.buffer += data
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def receive_frame(self) -> tuple[int, bytes]:
        first, second = self._take(2)
        assert second & 0x80, "client frames must be masked"
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._take(8))
        mask = self._take(4)
        data = self._take(size)
        whole = (mask * (size // 4 + 1))[:size]
        plain = int.from_bytes(data, "big") ^ int.from_bytes(whole, "big")
        return first & 0x0F, plain.to_bytes(size, "big")

    def receive(self) -> tuple[int, bytes]:
        """The next data message: its channel and data. Pings are answered."""
        while True:
            opcode, payload = self.receive_frame()
            if opcode == 9:
                self.pings.append(payload)
                self.send_frame(10, payload)
            elif opcode == 8:
                raise ConnectionError("peer sent close")
            elif opcode == 2:
                return payload[0], payload[1:]


@dataclass
class Upgrade:
    """Accept the WebSocket and run `session` with it."""

    session: Callable[[WebSocket], None]
    subprotocol: str = "v5.channel.k8s.io"


@dataclass
class Switch:
    """Switch to another protocol and run `session` with the bare stream."""

    session: Callable[[socket.socket, bytes], None]
    headers: list[tuple[str, str]]


Handler = Callable[[Request], "Answer | Upgrade | Switch | None"]


class StubServer:
    """Serves `handler` on a loopback port until closed; keeps what it was asked."""

    def __init__(
        self,
        handler: Handler,
        *,
        certificate: Path | None = None,
        client_ca: Path | None = None,
    ) -> None:
        self.handler = handler
        self.requests: list[Request] = []
        self.connections = 0
        self.errors: list[BaseException] = []
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._tls: ssl.SSLContext | None = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate)
            if client_ca is not None:
                self._tls.load_verify_locations(client_ca)
                self._tls.verify_mode = ssl.CERT_REQUIRED
        self._threads: list[threading.Thread] = []
        accepting = threading.Thread(target=self._accept, daemon=True)
        accepting.start()
        self._threads.append(accepting)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for stream in list(self._open):
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=10)

    def __enter__(self) -> StubServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(stream,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _serve(self, stream: socket.socket) -> None:
        if self._tls is not None:
            stream = self._tls.wrap_socket(
                stream, server_side=True, do_handshake_on_connect=False
            )
            try:
                stream.do_handshake()
            except OSError:
                _linger(stream)
                return
        self._open.add(stream)
        try:
            self._converse(stream)
        except (OSError, ConnectionError, ssl.SSLError):
            pass
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.errors.append(error)
        finally:
            _linger(stream)
            self._open.discard(stream)

    def _converse(self, stream: socket.socket) -> None:
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                data = stream.recv(65536)
                if not data:
                    return
                buffer += data
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            method, target, _version = lines[0].split(" ")
            headers = [
                (name, value.strip())
                for name, _, value in (line.partition(":") for line in lines[1:])
            ]
            request = Request(method, target, headers)
            if isinstance(stream, ssl.SSLSocket):
                request.peer_certificate = stream.getpeercert(binary_form=True)
            size = int(request.header("content-length") or 0)
            while len(buffer) < size:
                buffer += stream.recv(65536)
            request.body, buffer = buffer[:size], buffer[size:]
            self.requests.append(request)
            answer = self.handler(request)
            if answer is None:
                return
            if isinstance(answer, Upgrade):
                self._upgrade(stream, request, answer, buffer)
                return
            if isinstance(answer, Switch):
                lines = ["HTTP/1.1 101 Switching Protocols"]
                lines += [f"{name}: {value}" for name, value in answer.headers]
                stream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
                answer.session(stream, buffer)
                return
            if not self._answer(stream, answer):
                return

    def _upgrade(
        self, stream: socket.socket, request: Request, upgrade: Upgrade, rest: bytes
    ) -> None:
        key = request.header("sec-websocket-key") or ""
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest())
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept.decode()}",
            f"Sec-WebSocket-Protocol: {upgrade.subprotocol}",
        ]
        stream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        upgrade.session(WebSocket(stream, rest))

    def _answer(self, stream: socket.socket, answer: Answer) -> bool:
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        if isinstance(answer.body, bytes):
            lines.append(f"Content-Length: {len(answer.body)}")
            head = ("\r\n".join(lines) + "\r\n\r\n").encode()
            stream.sendall(head + answer.body)
            return not answer.close
        lines.append("Transfer-Encoding: chunked")
        stream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        for chunk in answer.body:
            stream.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if answer.close:
            return False
        stream.sendall(b"0\r\n\r\n")
        return True
