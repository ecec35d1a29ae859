"""One end of a TLS connection in memory: records in, plain text out, and back.

OpenSSL between two memory buffers, without a socket and without a clock. The
asyncio side of it is `hops.tls.transport`.

Source: RFC 8446 (5.2: records of at most 16 KiB, 6.1: close_notify); OpenSSL's
SSL_read(3), SSL_shutdown(3).
"""

from __future__ import annotations

import contextlib
import ssl
from collections import deque
from enum import Enum, auto

__all__ = ["STEP", "Reading", "TlsEngine"]

Buffer = bytes | bytearray | memoryview

#: Bytes to feed or to encrypt at a time. OpenSSL's memory buffers never shrink, so
#: more would stay with the connection.
STEP = 64 * 1024


class Reading(Enum):
    """Why `read_into` stopped."""

    FULL = auto()  # no room: ask again
    STARVED = auto()  # a record is not whole: feed more
    ENDED = auto()  # the peer said close_notify
    TRUNCATED = auto()  # the peer hung up without it
    BROKEN = auto()  # see `error`; the peer must be told `take_output`


class TlsEngine:
    """OpenSSL's state of one connection.

    Args:
        context: certificates and rules of our side.
        server_side: who answers the handshake.
        server_hostname: what the peer's certificate must be valid for.
        session: an earlier session, to be resumed.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        server_side: bool,
        server_hostname: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.ssl_object = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=server_side,
            server_hostname=server_hostname,
            session=session,
        )
        self._stash: deque[bytes] = deque()
        self.error: ssl.SSLError | None = None

    def feed(self, data: Buffer) -> None:
        """Bytes came from the peer; at most `STEP`, then read."""
        self._incoming.write(data)

    def feed_eof(self) -> None:
        """Nothing more will come."""
        self._incoming.write_eof()

    def shake_hands(self) -> bool:
        """Go on with the handshake; answers whether it is done.

        Raises:
            ssl.SSLError: it failed; `take_output` has the alert for the peer.
        """
        try:
            self.ssl_object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def read_into(self, view: memoryview) -> tuple[int, Reading]:
        """Fill `view` with plain text; answers (bytes, why it stopped)."""
        size = self._unstash(view)
        try:
            while size < len(view):
                # One record at most: OpenSSL never joins them.
                count = self.ssl_object.read(len(view) - size, view[size:])
                if not count:
                    return size, Reading.ENDED
                size += int(count)
        except ssl.SSLWantReadError:
            return size, Reading.STARVED
        except ssl.SSLZeroReturnError:
            return size, Reading.ENDED
        except ssl.SSLEOFError:
            return size, Reading.TRUNCATED
        except ssl.SSLError as err:
            self.error = err
            return size, Reading.BROKEN
        return size, Reading.FULL

    def encrypt(self, data: Buffer) -> bytes:
        """The records for at most `STEP` bytes. `data` may be reused at once."""
        if data:
            # A memory buffer takes everything: no partial writes, no waiting.
            self.ssl_object.write(data)
        return self._outgoing.read()

    def take_output(self) -> bytes:
        """What the handshake, an alert or a key update has to send; often nothing."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def end(self) -> bytes:
        """Say close_notify; reading goes on. Answers the bytes to send."""
        # OpenSSL goes on to look for the peer's close_notify and fails for good on
        # data that it finds, so that is read first; and we do not wait for it.
        with contextlib.suppress(ssl.SSLError):
            while data := self.ssl_object.read(STEP):
                self._stash.append(data)
        with contextlib.suppress(ssl.SSLError):
            self.ssl_object.unwrap()
        return self.take_output()

    def _unstash(self, view: memoryview) -> int:
        size = 0
        while self._stash and size < len(view):
            data = self._stash.popleft()
            count = min(len(data), len(view) - size)
            view[size : size + count] = data[:count]
            size += count
            if count < len(data):
                self._stash.appendleft(data[count:])
        return size
