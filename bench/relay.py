"""A bare relay of three processes: what asyncio and TLS alone cost on this machine.

client ══TLS══▶ relay ══TLS══▶ relay ──TCP──▶ source and sink. The same hops as an exec
has, with nothing in them but bytes: the ceiling that throughput is compared with.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certs.pki import Pki

__all__ = ["BareRelay"]

_CHUNK = 256 * 1024
_RECORDS = 64 * 1024  # as our own clients read
_HOST = "127.0.0.1"


class BareRelay:
    """Starts the processes; `download` and `upload` measure. Use it in a `with`."""

    def __init__(self, pki: Pki, node: str) -> None:
        self._pki = pki
        self._files = pki.kubelet(node)
        self._stack = ExitStack()
        self._port = 0

    def __enter__(self) -> BareRelay:
        end = self._start("end")
        inner = self._start("relay", str(end), "", str(self._files.cert))
        self._port = self._start(
            "relay", str(inner), str(self._pki.ca_cert), str(self._files.cert)
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def download(self, size: int) -> float:
        """Bytes a second from the far end to us."""
        with closing(self._connect()) as stream:
            stream.sendall(b"D" + size.to_bytes(8, "big"))
            begun, left = time.perf_counter(), size
            while left > 0:
                left -= len(stream.recv(_RECORDS))
            return size / (time.perf_counter() - begun)

    def upload(self, size: int) -> float:
        """Bytes a second from us to the far end, which says when it has all."""
        block = memoryview(bytes(_CHUNK))
        with closing(self._connect()) as stream:
            begun = time.perf_counter()
            stream.sendall(b"U" + size.to_bytes(8, "big"))
            for offset in range(0, size, _CHUNK):
                stream.sendall(block[: min(_CHUNK, size - offset)])
            stream.recv(1)
            return size / (time.perf_counter() - begun)

    def _connect(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self._pki.ca_cert))
        plain = socket.create_connection((_HOST, self._port))
        return context.wrap_socket(plain, server_hostname=_HOST)

    def _start(self, *arguments: str) -> int:
        """Start one process and return the port on which it listens."""
        if arguments[0] == "relay":
            arguments = (*arguments, str(self._files.key))
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.relay", *arguments], stdout=subprocess.PIPE
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        if process.stdout is None:
            raise RuntimeError("no pipe")
        with process.stdout as lines:
            return int(lines.readline())


async def _serve_end() -> None:
    """Source and sink: `D` and a size asks for bytes, `U` and a size brings some."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            kind = await reader.readexactly(1)
            size = int.from_bytes(await reader.readexactly(8), "big")
            if kind == b"D":
                for part in _parts(size):
                    writer.write(part)
                    await writer.drain()
            else:
                while size > 0:
                    size -= len(await reader.read(_CHUNK))
                writer.write(b"!")
            await writer.drain()

    await _listen(serve, None)


async def _serve_relay(port: int, ca: str, cert: str, key: str) -> None:
    """Bytes both ways between a TLS connection and one to `port`."""
    onward = ssl.create_default_context(cafile=ca) if ca else None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = _HOST if onward else None
        far_reader, far_writer = await asyncio.open_connection(
            _HOST, port, ssl=onward, server_hostname=name
        )
        with closing(writer), closing(far_writer):
            await asyncio.wait(
                [
                    asyncio.ensure_future(_copy(reader, far_writer)),
                    asyncio.ensure_future(_copy(far_reader, writer)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )

    await _listen(serve, context)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


async def _listen(serve: object, context: ssl.SSLContext | None) -> None:
    server = await asyncio.start_server(serve, _HOST, 0, ssl=context)  # type: ignore[arg-type]  # a stream callback
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def _parts(size: int) -> Iterator[memoryview]:
    block = memoryview(bytes(_CHUNK))
    for offset in range(0, size, _CHUNK):
        yield block[: min(_CHUNK, size - offset)]


def _main(arguments: list[str]) -> None:
    match arguments:
        case ["end"]:
            asyncio.run(_serve_end())
        case ["relay", port, ca, cert, key]:
            asyncio.run(_serve_relay(int(port), ca, cert, key))


if __name__ == "__main__":
    _main(sys.argv[1:])
