"""mini-apiserver: the API server and the controllers, in one process.

They are one program to save a hundred megabytes, and no more than that: the controllers
know the API server by its URL and their certificates alone. `--controllers=-` leaves
them out.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from apiserver.config import Config
from apiserver.flags import make_parser
from apiserver.storage.interface import StoreUnavailable
from controllers.config import ControllersConfig
from faults.service import serve_faults
from hops.admin import AdminServer
from hops.aiohttp_server import load_aiohttp_server
from hops.hops import Hops
from hops.loading import loading
from hops.log_lines import log_to_stderr
from hops.tasks import cancel_and_wait, spawn

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from apiserver.app import ApiServer

__all__ = ["main"]

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT."""
    parser = _parser()
    options = parser.parse_args(arguments)
    log_to_stderr(logging.DEBUG if options.v >= 4 else logging.INFO)
    try:
        config = Config.from_arguments(options)
        controllers = _controllers_config(options, config)
    except ValueError as error:
        parser.error(str(error))
    try:
        asyncio.run(_run(config, controllers, options))
    except StoreUnavailable as error:
        print(f"mini-apiserver: the store cannot be opened: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"mini-apiserver: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(
    config: Config, controllers: ControllersConfig | None, options: argparse.Namespace
) -> None:
    with loading():
        load_aiohttp_server()
        from apiserver.app import build  # after the flags are known to be right

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    hops = Hops("apiserver")
    if options.trace_dir:
        hops.trace_to(options.trace_dir, data_bytes=options.trace_bytes)
    server = await build(config, hops)
    tasks: list[asyncio.Task[None]] = []
    admin = AdminServer(hops, options.admin_socket) if options.admin_socket else None
    if admin is not None:
        serve_faults(admin, hops)
        admin.add_count("long_running", lambda: server.services.long_running)
        admin.add_count("watchers", lambda: server.services.cachers.watchers)
    try:
        if admin is not None:
            await admin.start()
        await server.start()
        print(f"mini-apiserver: serving on {server.url}", flush=True)
        if controllers is not None:
            tasks.append(spawn("controllers", _control(server, hops, controllers)))
        await stop.wait()
    finally:
        await cancel_and_wait(*tasks)
        await server.close()
        if admin is not None:
            await admin.close()


async def _control(server: ApiServer, hops: Hops, config: ControllersConfig) -> None:
    await server.ready()
    with loading():
        from controllers.manager import run_controllers  # the server serves already

    await run_controllers(hops, config)


def _controllers_config(
    options: argparse.Namespace, config: Config
) -> ControllersConfig | None:
    if options.controllers == "-" or options.controllers_kubeconfig is None:
        return None
    if config.client_ca_file is None:
        raise ValueError("--client-ca-file is required with --controllers-kubeconfig")
    return ControllersConfig(
        controllers_kubeconfig=options.controllers_kubeconfig,
        scheduler_kubeconfig=(
            options.scheduler_kubeconfig or options.controllers_kubeconfig
        ),
        ca_file=config.client_ca_file,
    )


def _parser() -> argparse.ArgumentParser:
    parser = make_parser()
    group = parser.add_argument_group("controllers")
    group.add_argument(
        "--controllers",
        choices=["*", "-"],
        default="*",
        help="* runs the controllers and the scheduler, - does not (default %(default)s)",
    )
    group.add_argument(
        "--controllers-kubeconfig",
        type=Path,
        metavar="FILE",
        help="how the controllers reach the API server; without it none run",
    )
    group.add_argument(
        "--scheduler-kubeconfig",
        type=Path,
        metavar="FILE",
        help="how the scheduler does (default: as the controllers)",
    )
    group = parser.add_argument_group("watching")
    group.add_argument(
        "--trace-dir",
        default="",
        metavar="DIR",
        help="write every frame of every connection to a file in DIR",
    )
    group.add_argument(
        "--trace-bytes",
        default="256",
        metavar="N",
        help="how much of each payload; all is all (default: 256)",
    )
    group.add_argument(
        "--admin-socket",
        default="",
        metavar="PATH",
        help="listen on this Unix socket for the switch of the trace",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
