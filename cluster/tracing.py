"""Switching the trace of running services, over their admin sockets."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["AdminError", "command", "set_trace"]

_TIMEOUT: Final = 5.0


class AdminError(Exception):
    """A service did not do what its admin socket was asked."""


def set_trace(admin_socket: Path, trace_dir: str) -> None:
    """Trace into `trace_dir`; not at all when it is empty.

    Raises:
        AdminError: the service cannot be reached, or refuses.
    """
    command(admin_socket, {"cmd": "trace", "dir": trace_dir or None})


def command(admin_socket: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Send one JSON line and return the one that answers it.

    Raises:
        AdminError: the service cannot be reached, or refuses.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT)
            connection.connect(str(admin_socket))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as stream:
                answer = json.loads(stream.readline())
    except (OSError, ValueError) as err:
        raise AdminError(f"{admin_socket}: {err}") from err
    if not isinstance(answer, dict) or "error" in answer:
        raise AdminError(f"{admin_socket}: {answer}")
    return answer
