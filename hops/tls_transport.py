"""TLS over asyncio, with buffers that all connections share.

asyncio's own TLS keeps a zeroed 256 KiB buffer a connection and cannot half-close.
This one keeps nothing for an idle connection but OpenSSL's state, takes a socket's
bytes and a protocol's plain text from shared buffers, and closes in stages (`linger`)
without waiting for the peer's close_notify.

One object is the protocol of the socket's transport below and the transport of the
protocol above. Its states:

    HANDSHAKING  bytes go to OpenSSL; nothing above knows of us yet
    OPEN         plain text flows; each direction may have ended by close_notify
    CLOSING      close() was called: what was written is sent, what comes is dropped
    CLOSED       connection_lost was called above
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING, Any, cast

from hops.buffers import SIZE, buffers
from hops.errors import ConnectError, tls_error_text
from hops.linger import abort, linger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["HANDSHAKE_SECONDS", "TlsTransport"]

Buffer = bytes | bytearray | memoryview

# crypto/tls RecordHeaderError in net/http Server.serve
_PLAIN_HTTP_ANSWER = (
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
)

HANDSHAKE_SECONDS = 10.0  # net/http TLSHandshakeTimeout

# OpenSSL's memory buffers never shrink, so they are fed and emptied in pieces.
_STEP = 64 * 1024


class _State(IntEnum):
    HANDSHAKING, OPEN, CLOSING, CLOSED = range(4)


class TlsTransport(asyncio.BufferedProtocol, asyncio.Transport):
    """Either side of a TLS connection.

    Args:
        context: with the certificates and rules of our side.
        connected: called when the handshake is done; answers the protocol above,
            whose `connection_made` is called next.
        server_side: who begins the handshake.
        server_hostname: what the peer's certificate must be valid for.
        failed: called instead of `connected`, with a ConnectError or OSError.
        session: an earlier session with the same peer, to be resumed.
        remember: called with the new session once there is one to resume later.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        connected: Callable[[TlsTransport], asyncio.BaseProtocol],
        *,
        server_side: bool,
        server_hostname: str | None = None,
        failed: Callable[[BaseException], None] | None = None,
        session: ssl.SSLSession | None = None,
        remember: Callable[[ssl.SSLSession | None], None] | None = None,
    ) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._ssl = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=server_side,
            server_hostname=server_hostname,
            session=session,
        )
        self._connected = connected
        self._failed = failed
        self._remember = remember
        self._state = _State.HANDSHAKING
        self._below: asyncio.Transport | None = None
        self._protocol: asyncio.BaseProtocol | None = None
        self._takes_buffers = False
        self._reading_paused = False
        self._peer_ended = False
        self._we_ended = False
        self._truncated = False
        self._socket_ended = False
        self._peer_certificate: dict[str, Any] | None = None
        self._stash: deque[bytes] = deque()
        self._timer: asyncio.TimerHandle | None = None

    # the protocol of the transport below

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected: begin the handshake."""
        self._below = cast("asyncio.Transport", transport)
        self._timer = self._loop.call_later(HANDSHAKE_SECONDS, self._time_out)
        if not self._ssl.server_side:
            self._shake_hands()

    def get_buffer(self, sizehint: int) -> memoryview:
        """The shared buffer; `buffer_updated` follows before anybody else gets it."""
        return buffers.received

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came from the socket."""
        received = buffers.received
        if self._peer_ended:
            return  # nothing may follow a close_notify
        for start in range(0, nbytes, _STEP):
            self._incoming.write(received[start : min(start + _STEP, nbytes)])
            if self._state is _State.OPEN:
                self._read()
            elif self._state is _State.HANDSHAKING:
                self._shake_hands()

    def eof_received(self) -> bool:
        """The peer shut down its socket."""
        self._socket_ended = True
        self._incoming.write_eof()
        if self._state is _State.HANDSHAKING:
            self._shake_hands()
        elif self._state is _State.OPEN:
            self._read()
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """The socket is gone."""
        if self._state is _State.HANDSHAKING:
            self._fail(exc or ConnectError("EOF"))
        elif self._state is not _State.CLOSED:
            self._lose(exc)

    def pause_writing(self) -> None:
        """The socket's buffer is full: so is ours, for we keep none."""
        if self._protocol is not None:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """There is room again."""
        if self._protocol is not None:
            self._protocol.resume_writing()

    # the handshake

    def _shake_hands(self) -> None:
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except (ssl.SSLError, ssl.CertificateError) as err:
            self._flush()  # the alert
            self._explain(err)
            self._fail(ConnectError(tls_error_text(err, self._ssl), err))
            return
        self._flush()
        self._stop_timer()
        self._state = _State.OPEN
        self.set_protocol(self._connected(self))
        cast("asyncio.BaseProtocol", self._protocol).connection_made(self)
        if self._state is _State.OPEN:
            self._read()

    def _explain(self, err: ssl.SSLError) -> None:
        """Answer a client that speaks plain HTTP as Go's net/http does."""
        if err.reason == "HTTP_REQUEST" and self._below is not None:
            self._below.write(_PLAIN_HTTP_ANSWER)

    def _fail(self, exc: BaseException) -> None:
        if self._state is not _State.HANDSHAKING:
            return
        self._stop_timer()
        self._state = _State.CLOSED
        self._leave()
        if self._failed is not None:
            self._failed(exc)

    def _time_out(self) -> None:
        self._fail(ConnectError("net/http: TLS handshake timeout"))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # reading

    def _read(self) -> None:
        """Hand up all plain text that is there, unless the protocol wants a pause."""
        while self._state is _State.OPEN and not self._reading_paused:
            if self._peer_ended:
                return
            if self._stash:
                self._hand_up_stash()
                continue
            view = self._space()
            size, more = self._decrypt(view)
            if size:
                if self._remember is not None:
                    self._remember_session()
                self._hand_up(view, size)
            if not more:
                return

    def _space(self) -> memoryview:
        if self._takes_buffers:
            protocol = cast("asyncio.BufferedProtocol", self._protocol)
            return memoryview(protocol.get_buffer(SIZE))
        return buffers.plain

    def _remember_session(self) -> None:
        """TLS 1.3 sends its tickets before the first data."""
        remember, self._remember = self._remember, None
        if remember is not None:
            remember(self._ssl.session)

    def _hand_up(self, view: memoryview, size: int) -> None:
        if self._takes_buffers:
            cast("asyncio.BufferedProtocol", self._protocol).buffer_updated(size)
        else:
            data = bytes(view[:size])
            cast("asyncio.Protocol", self._protocol).data_received(data)

    def _decrypt(self, view: memoryview) -> tuple[int, bool]:
        """Fill `view` with records; answers (bytes, whether there may be more)."""
        size, room = 0, len(view)
        try:
            while size < room:
                # One record at most: OpenSSL never joins them.
                count = self._ssl.read(room - size, view[size:])
                if not count:
                    return self._end_of_peer(view, size)
                size += cast("int", count)
        except ssl.SSLWantReadError:
            self._flush()  # a key update may have to be answered
            return size, False
        except ssl.SSLZeroReturnError:
            return self._end_of_peer(view, size)
        except ssl.SSLEOFError:
            # RFC 8446 6.1: an end without close_notify may be a truncation
            self._truncated = True
            return self._end_of_peer(view, size)
        except ssl.SSLError as err:
            return self._break(view, size, err)
        return size, True

    def _end_of_peer(self, view: memoryview, size: int) -> tuple[int, bool]:
        self._peer_ended = True
        self._deliver_last(view, size)
        if self._state is _State.OPEN:
            protocol = cast("asyncio.Protocol", self._protocol)
            if not protocol.eof_received():
                self.close()
        return 0, False

    def _break(
        self, view: memoryview, size: int, err: ssl.SSLError
    ) -> tuple[int, bool]:
        """Not TLS, tampered with, or an alert: tell the peer and give up."""
        self._deliver_last(view, size)
        self._flush()
        self._leave()
        if self._state < _State.CLOSED:
            self._lose(ConnectError(tls_error_text(err), err))
        return 0, False

    def _deliver_last(self, view: memoryview, size: int) -> None:
        if size:
            self._hand_up(view, size)

    def _hand_up_stash(self) -> None:
        data = self._stash.popleft()
        view = self._space()
        size = min(len(view), len(data))
        view[:size] = data[:size]
        if size < len(data):
            self._stash.appendleft(data[size:])
        self._hand_up(view, size)

    def pause_reading(self) -> None:
        """Nothing is handed up until `resume_reading`."""
        self._reading_paused = True
        if self._below is not None:
            self._below.pause_reading()

    def resume_reading(self) -> None:
        """Go on; what is decrypted already comes in the next turn of the loop."""
        if not self._reading_paused:
            return
        self._reading_paused = False
        self._loop.call_soon(self._read)
        if self._below is not None:
            self._below.resume_reading()

    def is_reading(self) -> bool:
        """Whether data is handed up."""
        return self._state is _State.OPEN and not self._reading_paused

    # writing

    def write(self, data: Buffer) -> None:
        """Encrypt and send at once; `data` may change as soon as this returns."""
        below = self.below
        if self._state is not _State.OPEN or self._we_ended or below.is_closing():
            return
        if len(data) <= _STEP:
            self._encrypt(data)
            below.write(self._outgoing.read())
            return
        with memoryview(data) as view, view.cast("B") as octets:
            for start in range(0, len(octets), _STEP):
                self._encrypt(octets[start : start + _STEP])
                below.write(self._outgoing.read())

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """Small pieces share a record."""
        self.write(b"".join(list_of_data))

    def _encrypt(self, data: Buffer) -> None:
        if data:
            # A memory buffer takes everything: no partial writes, no WANT_WRITE.
            self._ssl.write(data)

    def _flush(self) -> None:
        if self._outgoing.pending and self._below is not None:
            self._below.write(self._outgoing.read())

    def can_write_eof(self) -> bool:
        """TLS can: with close_notify."""
        return True

    def write_eof(self) -> None:
        """End our direction (RFC 8446 6.1); the peer's stays open."""
        if self._state is _State.OPEN and not self._we_ended:
            self._keep_unread()
            self._send_close_notify()

    def _keep_unread(self) -> None:
        """Decrypt what is there: OpenSSL fails on data that it finds while it ends."""
        with contextlib.suppress(ssl.SSLError):
            while data := self._ssl.read(_STEP):
                self._stash.append(data)

    def _send_close_notify(self) -> None:
        self._we_ended = True
        # It wants to read the peer's close_notify, which we do not wait for.
        with contextlib.suppress(ssl.SSLError):
            self._ssl.unwrap()
        self._flush()

    def get_write_buffer_size(self) -> int:
        """Bytes that the socket has not taken."""
        return self.below.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """(low, high), of the socket's buffer."""
        return self.below.get_write_buffer_limits()

    def set_write_buffer_limits(
        self, high: int | None = None, low: int | None = None
    ) -> None:
        """Limits for the socket's buffer, in bytes on the wire."""
        self.below.set_write_buffer_limits(high, low)

    # the end

    def close(self) -> None:
        """Send what was written and a close_notify, then close in stages."""
        if self._state is _State.HANDSHAKING:
            self.abort()
        if self._state is not _State.OPEN:
            return
        if not self._we_ended:
            self._send_close_notify()
        self._state = _State.CLOSING
        self._leave()

    def _leave(self) -> None:
        """Close the socket in stages, unless the peer has ended it already."""
        if self._below is None:
            return
        if self._socket_ended or self._below.is_closing():
            self._below.close()
        else:
            linger(self._below, self._closed)

    def abort(self) -> None:
        """Close the socket at once."""
        if self._below is not None:
            abort(self._below)

    def is_closing(self) -> bool:
        """Whether it was closed, by us or by the network."""
        if self._state >= _State.CLOSING:
            return True
        return self._below is not None and self._below.is_closing()

    def _closed(self, exc: BaseException | None) -> None:
        if self._state is not _State.CLOSED:
            self._lose(exc)

    def _lose(self, exc: BaseException | None) -> None:
        self._state = _State.CLOSED
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.connection_lost(exc)  # type: ignore[arg-type]  # as asyncio does

    # what protocols ask

    #: `close` sees to it that the peer gets everything.
    closes_in_stages = True
    #: `write` is done with a buffer when it returns.
    copies_at_once = True

    @property
    def below(self) -> asyncio.Transport:
        """The socket's transport."""
        if self._below is None:
            raise RuntimeError("not connected")
        return self._below

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Replace the protocol above."""
        self._protocol = protocol
        self._takes_buffers = isinstance(protocol, asyncio.BufferedProtocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol above."""
        if self._protocol is None:
            raise RuntimeError("no protocol")
        return self._protocol

    def _read_peer_certificate(self) -> dict[str, Any] | None:
        if self._peer_certificate is None:
            self._peer_certificate = cast(
                "dict[str, Any] | None", self._ssl.getpeercert()
            )
        return self._peer_certificate

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """peercert, cipher, ssl_object, sslcontext, truncated; else of the socket."""
        match name:
            case "ssl_object":
                return self._ssl
            case "sslcontext":
                return self._ssl.context
            case "peercert":
                return self._read_peer_certificate()
            case "cipher":
                return self._ssl.cipher()
            case "compression":
                return None
            case "truncated":
                return self._truncated
        return self.below.get_extra_info(name, default)
