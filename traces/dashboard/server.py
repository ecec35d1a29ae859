"""The dashboard's server: a page, and a WebSocket on which it is told what happens.

It is no hop: nothing of it belongs to the picture that it shows.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from aiohttp import WSMsgType, web

from hops.tasks import cancel_and_wait, spawn
from traces.dashboard.guard import Guard
from traces.dashboard.pages import add_pages
from traces.dashboard.viewer import Viewer
from traces.events import Event
from traces.live.book import LiveBook
from traces.live.plain import news_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from traces.live.feed import News

__all__ = ["Dashboard"]

_TURN: Final = 0.25  # seconds between two looks whether there is something to tell
_MOST_VIEWERS: Final = 16
_LONGEST_MESSAGE: Final = 4096
_HEARTBEAT: Final = 20.0


class Dashboard:
    """Serves on one address of this machine until it is closed.

    Args:
        everything: also sessions of the services among themselves.
    """

    def __init__(self, *, everything: bool = False, token: str | None = None) -> None:
        self.book = LiveBook(background=everything)
        self._guard = Guard(token)
        self._viewers: dict[web.WebSocketResponse, Viewer] = {}
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> str:
        """Listen; port 0 means any. Answers the address to open.

        Raises:
            OSError: the address cannot be had.
        """
        app = web.Application(middlewares=[self._guard.middleware])
        add_pages(app)
        app.router.add_get("/events", self._events)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        address = self._runner.addresses[0]
        return self._guard.listens_on(address[0], address[1])

    async def close(self) -> None:
        """Say goodbye to the browsers, and stop."""
        for socket in list(self._viewers):
            await socket.close(code=1001, message=b"the dashboard was ended")
        if self._runner is not None:
            await self._runner.cleanup()

    def take(self, news: Iterable[News]) -> None:
        """Something happened; browsers are told at their next turn."""
        known = list(news)
        self.book.add(one for one in known if isinstance(one, Event))
        for one in known:
            text = "" if isinstance(one, Event) else news_text(one)
            for viewer in self._viewers.values() if text else ():
                viewer.note(text)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if not self._guard.may_stream(request):
            raise web.HTTPForbidden(reason="a WebSocket of this page is expected")
        if len(self._viewers) >= _MOST_VIEWERS:
            raise web.HTTPServiceUnavailable(reason="too many viewers")
        socket = web.WebSocketResponse(
            heartbeat=_HEARTBEAT, max_msg_size=_LONGEST_MESSAGE
        )
        await socket.prepare(request)
        viewer = self._viewers[socket] = Viewer(self.book)
        teller = spawn("dashboard viewer", _tell(socket, viewer))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    viewer.take(message.data)
        finally:
            self._viewers.pop(socket, None)
            await cancel_and_wait(teller)
        return socket


async def _tell(socket: web.WebSocketResponse, viewer: Viewer) -> None:
    """A slow browser is told less often, never late: the newest state counts."""
    with contextlib.suppress(ConnectionError):
        while not socket.closed:
            for message in viewer.messages():
                await socket.send_json(message)
            await asyncio.sleep(_TURN)
