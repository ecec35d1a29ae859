"""Listening sockets of a program without an event loop, with errors in Go's words."""

from __future__ import annotations

import os
import socket

__all__ = ["ListenError", "listen_on"]

_BACKLOG = 128


class ListenError(Exception):
    """Nobody can listen there."""


def listen_on(host: str, port: int) -> socket.socket:
    """A TCP listener that does not block; port 0 is any free one.

    Raises:
        ListenError: as `net.Listen` has it.
    """
    is_v6 = ":" in host
    network, shown = ("tcp6", f"[{host}]") if is_v6 else ("tcp4", host)
    listener: socket.socket | None = None
    step = "socket"
    try:
        listener = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_v6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        step = "bind"
        listener.bind((host, port))
        step = "listen"
        listener.listen(_BACKLOG)
    except OSError as error:
        if listener is not None:
            listener.close()
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        text = f"listen {network} {shown}:{port}: {step}: {reason}"
        raise ListenError(text) from None
    listener.setblocking(False)
    return listener
