"""What a client hears that asks for SPDY, which this server does not speak yet.

Source: kubernetes/streaming pkg/httpstream/httpstream.go (Handshake).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cri_runtime.streaming.http import Answer, plain
from wire.http1 import get_all

if TYPE_CHECKING:
    from wire.http1 import RequestHead

__all__ = ["refuse_spdy"]

_HEADER = "X-Stream-Protocol-Version"


def refuse_spdy(head: RequestHead) -> Answer:
    """400 when no protocol is asked for, 403 when none of them is served."""
    lines = get_all(head.headers, _HEADER)
    if not lines:
        count = len({name.lower() for name, _ in head.headers} - {"host"})
        text = f"header {_HEADER} does not exist in request with {count} headers"
        return plain(400, f"unable to upgrade: {text}\n")
    offered = [part.strip() for line in lines for part in line.split(",")]
    wanted = " ".join(name for name in offered if name)
    if not wanted:
        return plain(400, f"unable to upgrade: header {_HEADER} is empty\n")
    text = f"client supports [{wanted}], server accepts []"
    return plain(403, f"unable to upgrade: unable to negotiate protocol: {text}\n")
