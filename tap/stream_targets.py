"""Streaming URLs of a runtime, and those that the tap gives out in their place.

The new URL has the length of the old one, so that it can be put into an answer where it
stands, whatever frames that is cut into: nothing changes for HTTP/2's flow control.
What does not fit is left as it is; the streaming leg then passes by the tap.
"""

from __future__ import annotations

import secrets
import string
from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import urlsplit

from tap.upstream import ServerUrl, parse_server

__all__ = ["StreamTarget", "StreamTargets"]

_KEPT = 2000  # runtimes have at most 1000 at a time, for a minute
_SHORTEST_TOKEN = 6
_ALPHABET = string.ascii_letters + string.digits + "-_"


@dataclass(frozen=True, slots=True)
class StreamTarget:
    """Where a streaming connection is to go.

    Attributes:
        trace: the session of the call that asked for it.
    """

    server: ServerUrl
    path: str
    trace: str


class StreamTargets:
    """What each of our URLs stands for.

    Args:
        authority: `host:port` of the tap's own streaming server.
    """

    def __init__(self, authority: str) -> None:
        self._base = f"http://{authority}"
        self._targets: OrderedDict[str, StreamTarget] = OrderedDict()

    def replace(self, url: str, trace: str) -> str | None:
        """Our URL for one of the runtime's, of the same length; None if none fits."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        path = self._path(parts.path, len(url))
        if path is None:
            return None
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        server = parse_server(f"{parts.scheme}://{parts.netloc}")
        self._targets[path] = StreamTarget(server, target, trace)
        while len(self._targets) > _KEPT:
            self._targets.popitem(last=False)
        return self._base + path

    def find(self, path: str) -> StreamTarget | None:
        """What a request for this path is for. Whether it is used up the runtime knows."""
        return self._targets.get(path)

    def _path(self, path: str, size: int) -> str | None:
        """`/exec/TOKEN`, as long as it must be; `/TOKEN` where that is too long."""
        folder = path.rpartition("/")[0]
        for start in (f"{folder}/", "/"):
            room = size - len(self._base) - len(start)
            if room >= _SHORTEST_TOKEN:
                return start + "".join(secrets.choice(_ALPHABET) for _ in range(room))
        return None
