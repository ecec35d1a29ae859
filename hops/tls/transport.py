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
import ssl
from enum import IntEnum
from typing import TYPE_CHECKING, Any, cast

from hops.buffers import SIZE, buffers
from hops.clock import AnswerTimer
from hops.errors import ConnectError, tls_error_text
from hops.linger import abort, linger
from hops.tls.engine import STEP, Reading, TlsEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["HANDSHAKE_SECONDS", "TlsTransport"]

Buffer = bytes | bytearray | memoryview

HANDSHAKE_SECONDS = 10.0  # net/http TLSHandshakeTimeout

# crypto/tls RecordHeaderError in net/http Server.serve
_PLAIN_HTTP_ANSWER = (
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
)


class _State(IntEnum):
    HANDSHAKING, OPEN, CLOSING, CLOSED = range(4)


class TlsTransport(asyncio.BufferedProtocol, asyncio.Transport):
    """Either side of a TLS connection.

    Args:
        context: with the certificates and rules of our side.
        connected: called when the handshake is done; answers the protocol above,
            whose `connection_made` is called next.
        server_side: who answers the handshake.
        server_hostname: what the peer's certificate must be valid for.
        failed: called instead of `connected`, with a ConnectError or OSError.
        session: an earlier session with the same peer, to be resumed.
        remember: called with the session of a full handshake, to be resumed later.
    """

    #: `close` sees to it that the peer gets everything.
    closes_in_stages = True
    #: `write` is done with a buffer when it returns.
    copies_at_once = True

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
        self._engine = TlsEngine(
            context,
            server_side=server_side,
            server_hostname=server_hostname,
            session=session,
        )
        # Both know the protocol, which knows us: dropped when one of them is called.
        self._connected: Callable[[TlsTransport], asyncio.BaseProtocol] | None
        self._connected = connected
        self._failed = failed
        self._remember = remember
        self._state = _State.HANDSHAKING
        self._below: asyncio.Transport | None = None
        self._protocol: asyncio.BaseProtocol | None = None
        self._takes_buffers = False
        self._reading_paused = False
        self._socket_ended = False
        self._peer_ended = False
        self._we_ended = False
        self._truncated = False
        self._peer_certificate: dict[str, Any] | None = None
        self._timer: AnswerTimer | None = None

    # the protocol of the transport below

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected: begin the handshake."""
        self._below = cast("asyncio.Transport", transport)
        self._timer = AnswerTimer(HANDSHAKE_SECONDS, self._time_out)
        if not self._engine.ssl_object.server_side:
            self._shake_hands()

    def get_buffer(self, sizehint: int) -> memoryview:
        """The shared buffer; `buffer_updated` follows before anybody else gets it."""
        return buffers.received

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came from the socket."""
        received = buffers.received
        if self._peer_ended:
            return  # nothing may follow a close_notify
        for start in range(0, nbytes, STEP):
            self._engine.feed(received[start : min(start + STEP, nbytes)])
            self._advance()

    def eof_received(self) -> bool:
        """The peer shut down its socket."""
        self._socket_ended = True
        self._engine.feed_eof()
        self._advance()
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """The socket is gone."""
        if self._state is _State.HANDSHAKING:
            self._fail(exc or ConnectError("EOF"))
        else:
            self._lose(exc)

    def pause_writing(self) -> None:
        """The socket's buffer is full: so is ours, for we keep none."""
        if self._protocol is not None:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """There is room again."""
        if self._protocol is not None:
            self._protocol.resume_writing()

    def _advance(self) -> None:
        if self._state is _State.OPEN:
            self._read()
        elif self._state is _State.HANDSHAKING:
            self._shake_hands()

    # the handshake

    def _shake_hands(self) -> None:
        try:
            done = self._engine.shake_hands()
        except (ssl.SSLError, ssl.CertificateError) as err:
            self._flush()  # the alert
            if err.reason == "HTTP_REQUEST":
                self.below.write(_PLAIN_HTTP_ANSWER)
            text = tls_error_text(err, self._engine.ssl_object)
            self._fail(ConnectError(text, err))
            return
        self._flush()
        if done:
            self._open()

    def _open(self) -> None:
        self._stop_timer()
        self._state = _State.OPEN
        connected, self._connected, self._failed = self._connected, None, None
        if connected is None:
            raise RuntimeError("connected twice")
        self.set_protocol(connected(self))
        self.get_protocol().connection_made(self)
        if self._state is _State.OPEN:
            self._read()

    def _fail(self, exc: BaseException) -> None:
        if self._state is not _State.HANDSHAKING:
            return
        self._stop_timer()
        self._state = _State.CLOSED
        self._leave()
        failed, self._connected, self._failed = self._failed, None, None
        if failed is not None:
            failed(exc)

    def _time_out(self) -> None:
        self._fail(ConnectError("net/http: TLS handshake timeout"))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # reading

    def _read(self) -> None:
        """Hand up all plain text that is there, unless the protocol wants a pause."""
        while not self._reading_paused and not self._peer_ended:
            if self._state is not _State.OPEN:
                return
            view = self._space()
            size, reading = self._engine.read_into(view)
            if size:
                self._hand_up(view, size)
            if reading is not Reading.FULL:
                self._stop_reading(reading)
                return

    def _space(self) -> memoryview:
        if self._takes_buffers:
            protocol = cast("asyncio.BufferedProtocol", self._protocol)
            return memoryview(protocol.get_buffer(SIZE))
        return buffers.plain

    def _hand_up(self, view: memoryview, size: int) -> None:
        if self._remember is not None:
            # TLS 1.3 sends its tickets before the first data.
            remember, self._remember = self._remember, None
            # One session does for many connections. CPython leaks a copy of it, 7 KB,
            # whenever it is asked for (_ssl.c, PySSL_get_session).
            if not self._engine.ssl_object.session_reused:
                remember(self._engine.ssl_object.session)
        if self._takes_buffers:
            cast("asyncio.BufferedProtocol", self._protocol).buffer_updated(size)
        else:
            data = bytes(view[:size])
            cast("asyncio.Protocol", self._protocol).data_received(data)

    def _stop_reading(self, reading: Reading) -> None:
        self._flush()  # a key update is answered, an error told
        if reading is Reading.STARVED:
            return
        if reading is Reading.BROKEN:
            self._break()
            return
        # RFC 8446 6.1: an end without close_notify may be a truncation
        self._truncated = reading is Reading.TRUNCATED
        self._peer_ended = True
        if self._state is _State.OPEN:
            protocol = cast("asyncio.Protocol", self._protocol)
            if not protocol.eof_received():
                self.close()

    def _break(self) -> None:
        """Not TLS, tampered with, or an alert of the peer."""
        self._leave()
        error = self._engine.error
        text = tls_error_text(error) if error is not None else "tls: broken"
        self._lose(ConnectError(text, error))

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
        if self._truncated:
            return  # OpenSSL writes no more, and there is nobody to read it
        if len(data) <= STEP:
            if data:
                below.write(self._engine.encrypt(data))
            return
        with memoryview(data) as view, view.cast("B") as octets:
            for start in range(0, len(octets), STEP):
                below.write(self._engine.encrypt(octets[start : start + STEP]))

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """Small pieces share a record."""
        self.write(b"".join(list_of_data))

    def _flush(self) -> None:
        output = self._engine.take_output()
        if output and self._below is not None:
            self._below.write(output)

    def can_write_eof(self) -> bool:
        """TLS can: with close_notify."""
        return True

    def write_eof(self) -> None:
        """End our direction (RFC 8446 6.1); the peer's stays open."""
        if self._state is _State.OPEN and not self._we_ended:
            self._we_ended = True
            self.below.write(self._engine.end())

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
        self.write_eof()
        self._state = _State.CLOSING
        self._leave()

    def abort(self) -> None:
        """Close the socket at once."""
        if self._below is not None:
            abort(self._below)

    def is_closing(self) -> bool:
        """Whether it was closed, by us or by the network."""
        if self._state >= _State.CLOSING:
            return True
        return self._below is not None and self._below.is_closing()

    def _leave(self) -> None:
        """Close the socket in stages, unless the peer has ended it already."""
        if self._below is None:
            return
        if self._socket_ended or self._below.is_closing():
            self._below.close()
        else:
            linger(self._below, self._lose)

    def _lose(self, exc: BaseException | None) -> None:
        if self._state is _State.CLOSED:
            return
        self._state = _State.CLOSED
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.connection_lost(exc)  # type: ignore[arg-type]  # as asyncio does

    # what protocols ask

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

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """peercert, cipher, ssl_object, sslcontext, truncated; else of the socket."""
        tls = self._engine.ssl_object
        match name:
            case "ssl_object":
                return tls
            case "sslcontext":
                return tls.context
            case "peercert":
                if self._peer_certificate is None:
                    certificate: Any = tls.getpeercert()
                    self._peer_certificate = certificate
                return self._peer_certificate
            case "cipher":
                return tls.cipher()
            case "compression":
                return None
            case "truncated":
                return self._truncated
        return self.below.get_extra_info(name, default)
