"""What waits to be written, as a list of buffers for `writelines`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wire.errors import RemoteProtocolError
from wire.spdy.frame_encoder import FrameEncoder, data_header

if TYPE_CHECKING:
    from wire.spdy.frames import Buffer, Frame
    from wire.spdy.limits import Limits

__all__ = ["Output"]

# Data up to this size is joined with its frame header: one buffer instead of two.
_SMALL = 1024


class Output:
    """The sending direction: frames are encoded in order, long data is not copied."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._encoder = FrameEncoder()
        self._buffers: list[Buffer] = []
        self._unsent_answers = 0

    def take(self) -> list[Buffer]:
        """Hand over what waits."""
        buffers, self._buffers = self._buffers, []
        self._unsent_answers = 0
        return buffers

    def frame(self, frame: Frame) -> None:
        """Add a frame."""
        self._buffers.append(self._encoder.encode(frame))

    def answer(self, frame: Frame) -> None:
        """Add a frame that the peer provoked.

        Raises:
            RemoteProtocolError: too many of them wait; the peer does not read.
        """
        self.frame(frame)
        self._unsent_answers += len(self._buffers[-1])
        if self._unsent_answers > self._limits.max_unsent_answers:
            raise RemoteProtocolError("the peer provokes answers without reading them")

    def data(self, stream_id: int, data: Buffer, *, fin: bool) -> None:
        """Add data, in frames of `Limits.max_data_frame`; nothing if it is empty
        without FIN."""
        size = self._limits.max_data_frame
        if len(data) <= size:
            if data or fin:
                self._piece(stream_id, data, fin=fin)
            return
        view = memoryview(data)
        for start in range(0, len(view), size):
            is_last = start + size >= len(view)
            self._piece(stream_id, view[start : start + size], fin=fin and is_last)

    def _piece(self, stream_id: int, data: Buffer, *, fin: bool) -> None:
        head = data_header(stream_id, len(data), fin=fin)
        if len(data) <= _SMALL:
            self._buffers.append(head + data)
        else:
            self._buffers += (head, data)
