"""The sizes that an attached client's terminal takes, on their way to the container's."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from cri_runtime.shim_client import ShimError
from hops.tasks import spawn

if TYPE_CHECKING:
    from cri_runtime.shim_client import ShimClient
    from wire.terminal import TerminalSize

__all__ = ["Sizes"]

_MOST_SIZES = 8


class Sizes:
    """Sizes on their way to the shim, one after the other.

    A client may send them faster than they are set: then the newest count. Several are
    kept, since kubectl sends a wrong one before the right one so that all is drawn anew.
    """

    def __init__(self, shim: ShimClient, container_id: str) -> None:
        self._shim = shim
        self._container_id = container_id
        self._waiting: deque[TerminalSize] = deque(maxlen=_MOST_SIZES)
        self._sends = False

    def put(self, size: TerminalSize) -> None:
        """Set the size when those before it are set."""
        self._waiting.append(size)
        if not self._sends:
            self._sends = True
            spawn("resize", self._send())

    async def _send(self) -> None:
        try:
            while self._waiting:
                size = self._waiting.popleft()
                await self._shim.request(
                    "resize",
                    container=self._container_id,
                    width=size.width,
                    height=size.height,
                )
        except ShimError:
            return  # it has ended
        finally:
            self._sends = False
