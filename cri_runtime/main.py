"""mini-cri: the command."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from typing import TYPE_CHECKING

from cri_runtime.config import Config, build_parser
from hops.log_lines import log_to_stderr

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["main"]

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; containers stay. `stop-all` ends them."""
    options = build_parser().parse_args(arguments)
    if options.command == "stop-all":
        from cri_runtime.stop_all import stop_all  # without gRPC and asyncio: fast

        return stop_all(options.root, options.state)
    return _serve(options)


def _serve(options: argparse.Namespace) -> int:
    import asyncio  # 50 ms that `--help` and `stop-all` need not pay

    config = Config.from_arguments(options)
    log_to_stderr(config.log_level.upper())
    logging.getLogger("grpc").setLevel(logging.WARNING)
    try:
        asyncio.run(_run(config))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"mini-cri: {error}\n")
        return 1
    return 0


async def _run(config: Config) -> None:
    import asyncio

    from hops.loading import loading

    with loading():
        from cri_runtime.app import Runtime
    from cri_runtime.limits import raise_descriptor_limit
    from hops.hops import Hops

    raise_descriptor_limit()

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    hops = Hops("cri")
    if config.trace_dir:
        hops.trace_to(config.trace_dir, data_bytes=config.trace_bytes)
    runtime = Runtime(config, hops)
    async with contextlib.AsyncExitStack() as cleanup:
        await runtime.start()
        cleanup.push_async_callback(runtime.close)
        if config.admin_socket:
            from faults.service import serve_faults
            from hops.admin import AdminServer

            admin = await AdminServer(hops, config.admin_socket).start()
            serve_faults(admin, hops)
            admin.add_count("tokens", lambda: runtime.streaming.pending)
            admin.add_count("forwardings", lambda: runtime.streaming.forwardings)
            cleanup.push_async_callback(admin.close)
        sys.stdout.write(
            f"mini-cri: serving on unix://{runtime.address}, "
            f"streaming on {runtime.streaming.base_url}\n"
        )
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
