"""A control socket for each service: one JSON object a line in, one a line out.

    {"cmd": "ping"}                       {"ok": true, "process": ..., "pid": ...}
    {"cmd": "stats"}                      connections by hop, tasks, descriptors, memory
    {"cmd": "trace", "dir": "/tmp/t"}     trace into a folder
    {"cmd": "trace", "dir": null}         no more
    {"cmd": "trace_stream"}               {"ok": true, "header": {...}}, then an event a
                                          line until the caller leaves; {"lost": n} when
                                          it was too slow for n events
    {"cmd": "clock", "advance": 60}       {"ok": true, "ahead": 60.0}; see `hops.clock`

The two take settings (`hops.trace.TraceSettings`): "bytes": a number or "all", "hash"
and "secrets": true or false.

A failed command answers {"ok": false, "error": ...}. Services add their own commands.
It is a Unix socket of mode 0600: whoever may open it may do all of this.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hops import clock
from hops.connection import Connection
from hops.listen import bind_unix
from hops.tasks import cancel_and_wait, running, spawn
from hops.trace import TraceSettings, header
from hops.trace_sinks import ViewerSink

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hops.hops import Hops

    Command = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

__all__ = ["AdminServer"]

logger = logging.getLogger(__name__)

_MAX_LINE = 64 * 1024


class AdminServer:
    """Serves the control socket of a process.

    Attributes:
        patience: seconds after which a viewer is hung up on that reads nothing.
    """

    patience = 60.0

    def __init__(self, hops: Hops, path: str) -> None:
        self._hops = hops
        self.path = path
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self._commands: dict[str, Command] = {
            "ping": self._ping,
            "stats": self._stats,
            "trace": self._trace,
            "trace_stream": self._trace_stream,
            "clock": self._clock,
        }
        self._counts: dict[str, Callable[[], int]] = {}
        self._kept_clock = Path(f"{path}.clock")
        clock.restore(self._kept_clock)

    def add_command(self, name: str, command: Command) -> None:
        """Let the service answer a command of its own."""
        self._commands[name] = command

    def add_count(self, name: str, count: Callable[[], int]) -> None:
        """Let `stats` tell how many there are of something, such as pending tokens."""
        self._counts[name] = count

    async def start(self) -> AdminServer:
        """Listen. Answers itself."""
        # Not on a hop: it is no edge of the picture and must not trace itself.
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(
            lambda: _Session(self._begin), sock=bind_unix(self.path)
        )
        return self

    async def close(self) -> None:
        """Stop, and end the sessions."""
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
        await cancel_and_wait(*self._sessions)

    def _begin(self, connection: Connection) -> None:
        task = spawn("admin session", self._serve(connection))
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)

    async def _serve(self, connection: Connection) -> None:
        buffer = b""
        try:
            while data := await connection.read():
                *lines, buffer = (buffer + data).split(b"\n")
                for line in filter(None, lines):
                    answer = await self._answer(line)
                    connection.write(json.dumps(answer).encode() + b"\n")
                    if "header" in answer:
                        await self._stream(connection, json.loads(line))
                        return
                await connection.drain()
                if len(buffer) > _MAX_LINE:
                    return
        except OSError:
            logger.debug("admin client left")
        finally:
            connection.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            name = request.get("cmd") if isinstance(request, dict) else None
            command = self._commands.get(str(name))
            if command is None:
                return {"ok": False, "error": f"unknown command: {name}"}
            self._hops.flush()  # the answer comes after the events before it
            return {"ok": True} | await command(request)
        except (ValueError, TypeError, KeyError, OSError) as err:
            return {"ok": False, "error": str(err) or type(err).__name__}

    async def _ping(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"process": self._hops.process, "pid": os.getpid()}

    async def _clock(self, request: dict[str, Any]) -> dict[str, Any]:
        ahead = await clock.advance(
            float(request.get("advance", 0)),
            everywhere=bool(request.get("everywhere")),
            keep=self._kept_clock,
        )
        return {"ahead": ahead}

    async def _stats(self, request: dict[str, Any]) -> dict[str, Any]:
        tasks = Counter(name.partition(" ")[0] for name in running())
        return {
            "process": self._hops.process,
            "pid": os.getpid(),
            "connections": self._hops.open_connections(),
            "tasks": len(asyncio.all_tasks()),
            "spawned": dict(sorted(tasks.items())),
            "counts": {name: count() for name, count in self._counts.items()},
            "descriptors": _count_descriptors(),
            "rss_bytes": _resident_bytes(),
        }

    async def _trace(self, request: dict[str, Any]) -> dict[str, Any]:
        directory = request["dir"]
        if directory is not None and not isinstance(directory, str):
            raise TypeError("dir: a path or null is expected")
        settings = TraceSettings.parse(request)
        self._hops.trace_to(directory, settings)
        return {"dir": directory}

    async def _trace_stream(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"header": header(self._hops.process, TraceSettings.parse(request))}

    async def _stream(self, connection: Connection, request: dict[str, Any]) -> None:
        """Pass on events until the viewer leaves."""
        some = asyncio.Event()
        viewer = ViewerSink(TraceSettings.parse(request), some.set)
        left = spawn("admin viewer", _wait_for_end(connection, some))
        self._hops.add_sink(viewer)
        try:
            while not left.done():
                await some.wait()
                some.clear()
                if lines := viewer.take():
                    text = "\n".join(lines) + "\n"
                    connection.write(text.encode("utf-8", "replace"))
                await self._drain(connection)
        finally:
            self._hops.remove_sink(viewer)
            await cancel_and_wait(left)

    async def _drain(self, connection: Connection) -> None:
        """Wait for room. Raises OSError: who reads nothing at all is hung up on.

        Decoding for such a viewer, a stopped process say, would go on for ever.
        """
        while True:
            waiting = connection.transport.get_write_buffer_size()
            try:
                async with clock.answer_timeout(self.patience):
                    return await connection.drain()
            except TimeoutError:
                if connection.transport.get_write_buffer_size() >= waiting:
                    connection.abort()
                    raise ConnectionAbortedError("the viewer does not read") from None


async def _wait_for_end(connection: Connection, some: asyncio.Event) -> None:
    """Wait until a viewer is gone; what it says is not listened to."""
    try:
        with contextlib.suppress(OSError):
            while await connection.read():
                pass
    finally:
        some.set()


class _Session(Connection):
    """A connection that tells when it is there."""

    def __init__(self, begin: Callable[[Connection], None]) -> None:
        super().__init__()
        self._begin = begin

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._begin(self)


def _count_descriptors() -> int:
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    return len(os.listdir(folder))


def _resident_bytes() -> int | None:
    """Resident memory now; None where /proc does not tell it."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            pages = int(statm.read().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
