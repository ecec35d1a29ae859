"""One question to a service's control socket, without an event loop.

The sockets and their commands are those of `hops.admin`.
"""

from __future__ import annotations

import json
import socket
from typing import Any

__all__ = ["AdminError", "call_admin"]

_MAX_LINE = 1 << 24


class AdminError(Exception):
    """The service could not be asked, or did not do what it was asked.

    Attributes:
        is_gone: nobody listens there: the service has ended.
    """

    def __init__(self, message: str, *, is_gone: bool = False) -> None:
        super().__init__(message)
        self.is_gone = is_gone


def call_admin(
    path: str, request: dict[str, Any], *, timeout: float = 10.0
) -> dict[str, Any]:
    """Send one command and read its answer.

    Args:
        timeout: seconds to wait for each piece of it.

    Raises:
        AdminError: no answer, or a refusal.
    """
    try:
        answer = json.loads(_ask(path, request, timeout))
    except (ConnectionRefusedError, FileNotFoundError) as err:
        raise AdminError(str(err), is_gone=True) from err
    except (OSError, ValueError) as err:
        raise AdminError(str(err)) from err
    if not isinstance(answer, dict):
        raise AdminError(f"no JSON object: {str(answer)[:80]}")
    if not answer.get("ok"):
        raise AdminError(str(answer.get("error")))
    return answer


def _ask(path: str, request: dict[str, Any], timeout: float) -> bytes:
    line = b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.settimeout(timeout)
        stream.connect(path)
        stream.sendall(json.dumps(request).encode() + b"\n")
        while not line.endswith(b"\n") and len(line) < _MAX_LINE:
            data = stream.recv(65536)
            if not data:
                break
            line += data
    return line
