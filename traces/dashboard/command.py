"""`mini-kube dashboard`: the live sessions as a web page, for this user only."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hops.cluster_view import ClusterView
    from traces.dashboard.server import Dashboard
    from traces.live.feed import LiveFeed

__all__ = ["configure", "run"]

_TURN: Final = 0.5
#: Of each payload: what most writes to a terminal have; more would be lost at full speed.
_BYTES: Final = 1024


def configure(parser: argparse.ArgumentParser) -> None:
    """Its flags."""
    parser.add_argument(
        "--address",
        type=_loopback,
        default="127.0.0.1",
        metavar="IP",
        help="a loopback address (default: 127.0.0.1)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=0,
        metavar="PORT",
        help="default: any that is free",
    )
    parser.add_argument(
        "-a",
        "--all",
        action="store_true",
        help="also what the services ask each other, without a session",
    )


def run(options: argparse.Namespace, view: ClusterView | None) -> int:
    """Serve until a signal ends it."""
    if view is None or not view.admin_sockets:
        print(
            "mini-kube: no cluster is running, so nothing is live: run mini-kube up",
            file=sys.stderr,
        )
        return 1
    from traces.live.feed import LiveFeed, sockets_of

    with LiveFeed(sockets_of(view), _BYTES) as feed:
        asyncio.run(_serve(options, feed))
    return 0


async def _serve(options: argparse.Namespace, feed: LiveFeed) -> None:
    from traces.dashboard.server import Dashboard

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    dashboard = Dashboard(everything=options.all)
    dashboard.take(await asyncio.to_thread(feed.join))
    address = await dashboard.start(options.address, options.port)
    print(f"mini-kube dashboard: {address}", flush=True)
    listener = threading.Thread(target=_listen, args=(feed, dashboard, loop, stop))
    listener.start()
    try:
        await stop.wait()
    finally:
        await dashboard.close()
        feed.wake()
        await asyncio.to_thread(listener.join)


def _listen(
    feed: LiveFeed,
    dashboard: Dashboard,
    loop: asyncio.AbstractEventLoop,
    stop: asyncio.Event,
) -> None:
    """The feed blocks, so it has a thread of its own."""
    while not stop.is_set():
        news = feed.read(_TURN)
        if news:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(dashboard.take, news)


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


def _loopback(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise argparse.ArgumentTypeError(f"{text!r} is no loopback address")
    return text
