"""One question to a service's control socket, without an event loop.

The sockets and their commands are those of `hops.admin`.
"""

from __future__ import annotations

import json
import socket
from typing import Any

__all__ = ["ask_admin"]

_MAX_LINE = 1 << 20


def ask_admin(
    path: str, command: dict[str, Any], *, timeout: float = 2.0
) -> dict[str, Any]:
    """Send one command and read its answer.

    Raises:
        OSError: nobody listens there, or no answer came in `timeout` seconds.
        ValueError: the answer is no JSON object.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.settimeout(timeout)
        stream.connect(path)
        stream.sendall(json.dumps(command).encode() + b"\n")
        line = b""
        while not line.endswith(b"\n") and len(line) < _MAX_LINE:
            data = stream.recv(65536)
            if not data:
                break
            line += data
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise ValueError(f"no JSON object: {line[:80]!r}")
    return answer
