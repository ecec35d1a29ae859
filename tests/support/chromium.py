"""A headless Chromium, spoken to over the DevTools protocol.

Source: chromedevtools.github.io/devtools-protocol (Page, Runtime, Log).
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

from websockets.asyncio.client import connect

from tests.support.tools import tool_or_skip

__all__ = ["Tab", "browser"]

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--remote-debugging-port=0",
    "--window-size=1280,800",
)
_PATIENCE = 60.0


class Tab:
    """One page.

    Attributes:
        complaints: what its console and its security policy had to say.
    """

    def __init__(self, socket):
        self._socket = socket
        self._numbers = iter(range(1, 1 << 30))
        self._answers = {}
        self._loaded = asyncio.Event()
        self.complaints = []

    async def hear(self):
        """Take what the browser says, for ever."""
        async for text in self._socket:
            message = json.loads(text)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message)
            elif message["method"] == "Page.loadEventFired":
                self._loaded.set()
            elif message["method"] in ("Log.entryAdded", "Runtime.exceptionThrown"):
                self.complaints.append(message["params"])

    async def call(self, method, **params):
        """One command; its result."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        command = {"id": number, "method": method, "params": params}
        await self._socket.send(json.dumps(command))
        message = await asyncio.wait_for(answer, _PATIENCE)
        assert "error" not in message, message
        return message["result"]

    async def open(self, address):
        """Go there, and wait until it is loaded."""
        self._loaded.clear()
        await self.call("Page.navigate", url=address)
        await asyncio.wait_for(self._loaded.wait(), _PATIENCE)

    async def value(self, expression):
        """The value of a JavaScript expression; a promise is awaited."""
        done = await self.call(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    async def until(self, condition):
        """Wait until an expression is true."""
        came = await self.value(
            "new Promise((resolve) => {"
            f" const end = performance.now() + {_PATIENCE * 500};"
            f" const look = () => {{ if ({condition}) resolve(true);"
            " else if (performance.now() > end) resolve(false);"
            " else setTimeout(look, 20); }; look(); })"
        )
        if not came:
            text = await self.value("document.body.innerText")
            raise AssertionError(f"no {condition}\n{self.complaints}\n{text}")

    async def screenshot(self, path):
        """A picture of what is seen, as PNG."""
        taken = await self.call("Page.captureScreenshot", format="png")
        await asyncio.to_thread(Path(path).write_bytes, base64.b64decode(taken["data"]))


@asynccontextmanager
async def browser():
    """A tab of a fresh browser with an empty profile."""
    program = tool_or_skip("chromium", "chromium")
    profile = Path(tempfile.mkdtemp(prefix="mk-chromium-"))
    process = await asyncio.create_subprocess_exec(
        str(program),
        *_FLAGS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    drains = None
    try:
        port = await _port(process.stderr)
        drains = asyncio.ensure_future(process.stderr.read())
        async with connect(await _target(port), max_size=None) as socket:
            tab = Tab(socket)
            hearing = asyncio.ensure_future(tab.hear())
            for domain in ("Page", "Runtime", "Log"):
                await tab.call(f"{domain}.enable")
            yield tab
            hearing.cancel()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        if drains is not None:
            await drains
        shutil.rmtree(profile, ignore_errors=True)


async def _port(stderr):
    """`DevTools listening on ws://127.0.0.1:41739/devtools/browser/...`"""
    while line := await asyncio.wait_for(stderr.readline(), _PATIENCE):
        if b"DevTools listening on" in line:
            return int(line.split(b"127.0.0.1:")[1].split(b"/")[0])
    raise AssertionError("chromium ended")


async def _target(port):
    """The address of the first page."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /json/list HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()
    pages = [one for one in json.loads(body) if one["type"] == "page"]
    return pages[0]["webSocketDebuggerUrl"]
