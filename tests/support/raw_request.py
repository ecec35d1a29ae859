"""Requests that no client would make: bytes over TLS, and the answer as it comes."""

from __future__ import annotations

import socket
import ssl
from typing import NamedTuple
from urllib.parse import urlsplit

__all__ = ["Answer", "ask", "connect"]

_PATIENCE = 20.0


class Answer(NamedTuple):
    """The status code, the head without it, and the body up to the connection's end."""

    status: int
    head: str
    body: bytes


def connect(url, ca_file, cert=None):
    """A TLS connection; `cert` has the paths `cert` and `key`."""
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=str(ca_file))
    if cert is not None:
        context.load_cert_chain(str(cert.cert), str(cert.key))
    plain = socket.create_connection((parts.hostname, parts.port), _PATIENCE)
    return context.wrap_socket(plain, server_hostname=parts.hostname)


def ask(connection, data) -> Answer:
    """Send, and read to the end of the connection."""
    connection.sendall(data)
    return read_answer(connection)


def read_answer(connection) -> Answer:
    """What the peer says until it closes."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except (ConnectionError, ssl.SSLError):
        pass  # it had no patience with what we sent; what it said still counts
    head, _, body = received.partition(b"\r\n\r\n")
    line, _, rest = head.decode().partition("\r\n")
    return Answer(int(line.split()[1]), rest, body)
