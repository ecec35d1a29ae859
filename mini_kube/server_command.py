"""`mini-kube serve`: clusters for test suites, over HTTP.

    mini-kube serve                       until it is ended; prints where, and the token
    mini-kube serve -- npm test           while the command runs; ends with its code

The command finds both in its environment, as MINI_KUBE_URL and MINI_KUBE_TOKEN. All
clusters end with the server.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hops.cluster_view import ClusterView

__all__ = ["configure", "run"]

_LOOPBACK: Final = ("127.0.0.1", "::1")


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "--address",
        choices=_LOOPBACK,
        default=_LOOPBACK[0],
        help="where to listen (default: 127.0.0.1)",
    )
    parser.add_argument(
        "--port", type=int, default=0, help="0 is any that is free (default: 0)"
    )
    parser.add_argument(
        "-o", "--output", choices=["json"], help="say where, and the token, as JSON"
    )
    parser.add_argument(
        "command",
        nargs=argparse.REMAINDER,
        metavar="-- COMMAND",
        help="serve while this command runs",
    )


def run(options: argparse.Namespace, view: ClusterView | None) -> int:
    """Serve until SIGTERM or SIGINT, or until the command has ended."""
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    return asyncio.run(_serve(options, command))


async def _serve(options: argparse.Namespace, command: list[str]) -> int:
    from hops.aiohttp_server import load_aiohttp_server
    from hops.hop import Hop
    from hops.hops import Hops
    from hops.serve import serve_application
    from mini_kube.server import ClusterServer

    load_aiohttp_server()
    token = os.environ.get("MINI_KUBE_TOKEN") or secrets.token_urlsafe(32)
    server = ClusterServer(token)
    listener = await serve_application(
        Hops("serve", armed=False),
        Hop.PROXY,
        server.application(),
        (options.address, options.port),
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    host = f"[{options.address}]" if ":" in options.address else options.address
    url = f"http://{host}:{listener.address[1]}"
    try:
        if command:
            return await _run_command(command, url, token, stop)
        _announce(options, url, token)
        await stop.wait()
        return 0
    finally:
        await listener.wait_closed()
        await server.close()


def _announce(options: argparse.Namespace, url: str, token: str) -> None:
    if options.output == "json":
        print(json.dumps({"url": url, "token": token}), flush=True)
        return
    print(f"mini-kube: serving on {url}")
    print(f"export MINI_KUBE_URL={url} MINI_KUBE_TOKEN={token}", flush=True)


async def _run_command(
    command: list[str], url: str, token: str, stop: asyncio.Event
) -> int:
    """Its exit code; a signal that is for us is for it."""
    env = {**os.environ, "MINI_KUBE_URL": url, "MINI_KUBE_TOKEN": token}
    try:
        process = await asyncio.create_subprocess_exec(*command, env=env)
    except OSError as err:
        print(f"mini-kube: {command[0]}: {err.strerror}", file=sys.stderr)
        return 127
    ended = asyncio.ensure_future(process.wait())
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not ended.done():
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    code = await ended
    return 128 - code if code < 0 else code
