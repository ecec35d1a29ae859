"""Listening sockets of a program without an event loop, with errors in Go's words."""

from __future__ import annotations

import contextlib
import os
import socket
import stat

__all__ = ["ListenError", "listen_on", "listen_on_path"]

_BACKLOG = 128


class ListenError(Exception):
    """Nobody can listen there."""


def listen_on(host: str, port: int, *, network: str = "") -> socket.socket:
    """A TCP listener that does not block; port 0 is any free one.

    `network` is what an error calls it, when not tcp4 or tcp6.

    Raises:
        ListenError: as `net.Listen` has it.
    """
    is_v6 = ":" in host
    network = network or ("tcp6" if is_v6 else "tcp4")
    shown = f"[{host}]" if is_v6 else host
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


def listen_on_path(path: str) -> socket.socket:
    """A Unix listener for its owner alone; takes the place of a socket that is there.

    Raises:
        ListenError: as `net.Listen` has it.
    """
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o077)
    try:
        listener.bind(path)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise ListenError(f"listen unix {path}: bind: {reason}") from None
    finally:
        os.umask(before)
    listener.setblocking(False)
    return listener
