"""The runtime's side of a shim's or the launcher's socket."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import socket
from typing import TYPE_CHECKING, Any

from cri_runtime.shim.protocol import FD_MARK, Message, MessageDecoder, encode
from hops.dial import dial
from hops.hop import Hop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hops.hops import Hops

logger = logging.getLogger(__name__)

_MAX_PATH = 107

__all__ = ["ShimClient", "ShimError", "ShimGone"]


class ShimError(Exception):
    """The shim could not do what it was asked.

    Attributes:
        errno: of the operating system, or 0.
    """

    def __init__(self, errno: int, text: str) -> None:
        super().__init__(text)
        self.errno = errno


class ShimGone(ShimError):  # noqa: N818 - a state of affairs
    """There is nobody at the other end any more."""

    def __init__(self) -> None:
        super().__init__(0, "the shim is gone")


class ShimClient(asyncio.Protocol):
    """Requests with answers, events without requests, descriptors beside them.

    Usage: `client = await ShimClient.connect(hops, path)`.
    """

    def __init__(self) -> None:
        self.on_event: Callable[[Message], None] = lambda _event: None
        self.on_gone: Callable[[], None] = lambda: None
        self.gone = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None
        self._decoder = MessageDecoder()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    @classmethod
    async def connect(cls, hops: Hops, path: str) -> ShimClient:
        """Connect.

        Raises:
            OSError: nobody listens there.
        """
        with _short(path) as address:
            _, client = await dial(hops, Hop.CRI_SHIM, address, cls)
        return client

    async def request(
        self, do: str, *, descriptors: Sequence[int] = (), **arguments: Any
    ) -> Message:
        """Ask, with copies of these descriptors; returns the answer.

        Raises:
            ShimError: it refused, or is gone.
        """
        transport = self._transport
        if transport is None or self.gone.is_set():
            raise ShimGone
        number = next(self._numbers)
        message = {"id": number, "do": do, **arguments}
        if descriptors:
            await self._send_descriptors(descriptors)
            message["fds"] = len(descriptors)
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            transport.write(encode(message))
            return await answer  # type: ignore[no-any-return]  # parsed JSON
        finally:
            del self._waiting[number]

    def close(self) -> None:
        """Hang up; what runs in the shim runs on."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the transport."""
        self._transport = transport  # type: ignore[assignment]  # a stream transport
        # asyncio's view of the socket cannot pass descriptors.
        self._socket = socket.socket(
            fileno=os.dup(transport.get_extra_info("socket").fileno())
        )

    def data_received(self, data: bytes) -> None:
        """Called by the transport. Hangs up on what makes no sense."""
        try:
            messages = self._decoder.receive_data(data)
        except ValueError as error:
            logger.warning("shim not understood", extra={"error": str(error)})
            if self._transport is not None:
                self._transport.abort()
            return
        for message in messages:
            if "event" in message:
                self.on_event(message)
            else:
                self._settle(message)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Called by the transport, once."""
        self.gone.set()
        if self._socket is not None:
            self._socket.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ShimGone())
        self.on_gone()

    def _settle(self, message: Message) -> None:
        answer = self._waiting.get(message.get("id", 0))
        if answer is None or answer.done():
            return
        if "ok" in message:
            answer.set_result(message["ok"])
        else:
            error = message["error"]
            answer.set_exception(ShimError(error["errno"], error["text"]))

    async def _send_descriptors(self, descriptors: Sequence[int]) -> None:
        """They go ahead of the request that takes them; see `shim.protocol`."""
        assert self._socket is not None  # noqa: S101 - set with the transport
        while True:
            try:
                socket.send_fds(self._socket, [FD_MARK], descriptors)
            except BlockingIOError:
                await _writable(self._socket)
            except OSError:
                raise ShimGone from None
            else:
                return


@contextlib.contextmanager
def _short(path: str) -> Iterator[str]:
    """The same path in at most 107 bytes, which is all a socket address holds."""
    if len(os.fsencode(path)) <= _MAX_PATH:
        yield path
        return
    directory, name = os.path.split(path)
    descriptor = os.open(directory, os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


async def _writable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(sock, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_writer(sock)


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
