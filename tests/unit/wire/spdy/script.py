"""A conversation with one end of a connection, written as the protocol reads."""

from wire.spdy.connection import Role, SpdyConnection
from wire.spdy.frame_decoder import FrameDecoder
from wire.spdy.frame_encoder import FrameEncoder


class Script:
    """Plays the peer: `receives` frames, `emits` events, `sends` frames."""

    def __init__(self, role=Role.SERVER, **options):
        self.conn = SpdyConnection(role, **options)
        self._encoder = FrameEncoder()
        self._decoder = FrameDecoder()
        self._events = []

    def receives(self, *frames):
        data = b"".join(map(self._encoder.encode, frames))
        self._events += self.conn.receive_data(data)
        return self

    def emits(self, *events):
        assert self._events == list(events)
        self._events = []
        return self

    def sends(self, *frames):
        written = b"".join(self.conn.data_to_send())
        received = self._decoder.receive_data(written) if written else []
        assert received == list(frames)
        return self

    def does(self, name, *args, **options):
        getattr(self.conn, name)(*args, **options)
        return self


def transfer(sender, receiver):
    """Move what waits from one end to the other; return the events there."""
    return receiver.receive_data(b"".join(sender.data_to_send()))
