"""A WebSocket on which only the server has something to say: a watch, or a log.

What the client sends is thrown away, but for a close, which ends the socket, and pings,
which are answered.

Source: kubernetes/apimachinery pkg/util/httpstream/wsstream/{conn,stream}.go
(IgnoreReceives) on top of golang.org/x/net/websocket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from hops.serve import take_over
from hops.tasks import cancel_and_wait, spawn
from wire.errors import RemoteProtocolError
from wire.http1 import RequestHead
from wire.websocket import (
    CloseCode,
    FrameDecoder,
    HandshakeRefused,
    Opcode,
    close_payload,
    encode_frame,
    is_websocket_request,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

    from aiohttp import web

    from apiserver.context import RequestContext
    from hops.serve import TakenConnection
    from wire.websocket import Frame, Negotiated

__all__ = ["PushSocket", "asks_for_websocket", "open_socket"]


def asks_for_websocket(context: RequestContext) -> bool:
    """Whether the client wants its stream as messages."""
    return is_websocket_request(list(context.request.headers.items()))


async def open_socket(
    context: RequestContext, shake_hands: Callable[[RequestHead], Negotiated]
) -> PushSocket | web.StreamResponse:
    """Switch protocols, or answer as the handshake has it; the answer is returned.

    Args:
        shake_hands: may raise HandshakeRefused.
    """
    request = context.request
    connection = await take_over(request)
    headers = list(request.headers.items())
    if context.websocket_protocols is not None:
        # A bearer token stood among them, and was taken out.
        name = "Sec-WebSocket-Protocol"
        headers = [(k, v) for k, v in headers if k.lower() != name.lower()]
        headers.append((name, ",".join(context.websocket_protocols)))
    try:
        agreed = shake_hands(RequestHead(request.method, request.path_qs, headers))
    except HandshakeRefused as refusal:
        connection.write(refusal.response)
        return connection.response
    connection.write(agreed.response)
    return PushSocket(connection, agreed.subprotocol)


class PushSocket:
    """The open socket. Use it in an `async with`: at the end it is closed with 1000.

    Attributes:
        response: what the handler returns.
        on_gone: called once when the client has closed or left.
    """

    def __init__(self, connection: TakenConnection, subprotocol: str) -> None:
        self.subprotocol = subprotocol
        self.response = connection.response
        self.on_gone: Callable[[], None] = lambda: None
        self._connection = connection
        self._listener: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._listener = spawn("websocket reader", self._listen())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._listener is not None:
            await cancel_and_wait(self._listener)
        self._write(Opcode.CLOSE, close_payload(CloseCode.NORMAL))
        self._connection.close()

    async def send(self, opcode: Opcode, messages: Iterable[bytes]) -> None:
        """Send each as a message of its own, and wait until there is room for more.

        Raises:
            OSError: the client is gone.
        """
        frames = b"".join(encode_frame(opcode, message) for message in messages)
        self._connection.write(frames)
        await self._connection.drain()

    def _write(self, opcode: Opcode, payload: bytes) -> None:
        self._connection.write(encode_frame(opcode, payload))

    async def _listen(self) -> None:
        decoder = FrameDecoder(True, lenient=True)
        try:
            while data := await self._connection.read():
                if any(map(self._ends, decoder.receive_data(data))):
                    break
        except RemoteProtocolError as err:
            if err.code == CloseCode.PROTOCOL_ERROR:
                self._write(Opcode.CLOSE, close_payload(CloseCode.PROTOCOL_ERROR))
        except OSError:
            pass  # it has left without a word
        self.on_gone()

    def _ends(self, frame: Frame) -> bool:
        if frame.opcode == Opcode.PING:
            self._write(Opcode.PONG, frame.payload[:125])
        return frame.opcode == Opcode.CLOSE
