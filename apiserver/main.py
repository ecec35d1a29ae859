"""The API server as a program: flags, signals, one line when it serves."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from typing import TYPE_CHECKING

from apiserver.config import Config, add_arguments
from hops.aiohttp_server import load_aiohttp_server

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "make_parser", "run"]


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mini-apiserver",
        description="A Kubernetes API server: objects over HTTPS, and the way to"
        " kubelets for exec, attach, port-forward and logs.",
    )
    add_arguments(parser)
    parser.add_argument(
        "--v",
        type=int,
        default=0,
        metavar="LEVEL",
        help="log verbosity; 4 and more shows decisions (default 0)",
    )
    return parser


async def run(config: Config) -> None:
    """Serve until SIGTERM or SIGINT."""
    load_aiohttp_server()
    from apiserver.app import build
    from hops.hops import Hops

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await build(config, Hops("apiserver"))
    try:
        await server.start()
        sys.stdout.write(f"mini-apiserver: serving on {server.url}\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await server.close()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = make_parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.v >= 4 else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    try:
        config = Config.from_arguments(options)
    except ValueError as error:
        parser.error(str(error))
    asyncio.run(run(config))
    return 0


if __name__ == "__main__":
    sys.exit(main())
