"""Free ports, taken from below the range that the kernel gives to outgoing connections.

A port from the kernel's own range (bind to 0) could be some connection's source port
by the next `up`, and then be refused to us (ip(7), ip_local_port_range).
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["choose_port", "is_free"]

_FIRST: Final = 20000
_LAST: Final = 32767
_TRIES: Final = 200


def choose_port(host: str, taken: Collection[int]) -> int:
    """A port on which nobody listens at `host`, and that is not in `taken`.

    Raises:
        OSError: none was found.
    """
    for _ in range(_TRIES):
        drawn = int.from_bytes(os.urandom(4), "big")
        port = _FIRST + drawn % (_LAST - _FIRST + 1)
        if port not in taken and is_free(host, port):
            return port
    raise OSError(f"no free port between {_FIRST} and {_LAST} on {host}")


def is_free(host: str, port: int) -> bool:
    """Whether a service could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
