"""Nothing of gRPC may outlive the tests, and no connection its event loop.

grpcio cleans up behind a channel or a server when it is collected. At the end of the
interpreter that fails, and prints "Error in sys.excepthook"; before, it is done in
whatever test and thread the collector runs in.
"""

from __future__ import annotations

import asyncio
import gc
import sys

import pytest

_MODULES = ("grpc.aio._channel", "grpc.aio._server")
_NAMES = ("Channel", "Server")


@pytest.fixture(autouse=True)
async def _end_of_the_loop():
    """Leave nothing open, and nothing remembered.

    The end of a process closes its sockets, that of an event loop does not. There may be
    some when all servers are closed: what is being closed in stages, whose peer has not
    ended yet, and what was accepted in the same turn.
    """
    yield
    for transport in list(asyncio.get_running_loop()._transports.values()):
        transport.abort()
    await asyncio.sleep(0)  # connection_lost
    if "aiohttp.web_app" in sys.modules:
        # It remembers each application that has served, and it all that is in it.
        sys.modules["aiohttp.web_app"]._cached_build_middleware.cache_clear()


def pytest_sessionfinish(session, exitstatus):
    """Fail a run that has left some. A traceback of a failed test may hold them."""
    if exitstatus != pytest.ExitCode.OK or "grpc.aio" not in sys.modules:
        return
    gc.collect()
    left = [each for each in map(type, gc.get_objects()) if _is_of_grpc(each)]
    if left:
        names = ", ".join(sorted({each.__name__ for each in left}))
        text = f"{len(left)} objects of grpc.aio have outlived their tests: {names}"
        session.config.get_terminal_writer().line(f"\n{text}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _is_of_grpc(kind):
    return kind.__name__ in _NAMES and getattr(kind, "__module__", "") in _MODULES
