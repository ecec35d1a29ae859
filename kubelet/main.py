"""mini-kubelet: the command.

Little is imported here: the API server is dialled while the rest loads.
"""

from __future__ import annotations

import logging
import signal
import sys
from typing import TYPE_CHECKING

from hops.log_lines import log_to_stderr
from kubelet.config import ConfigError
from kubelet.flags import parse_flags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubelet.config import KubeletConfig

__all__ = ["main"]

_LEVELS = {0: logging.WARNING, 1: logging.INFO, 2: logging.INFO, 3: logging.INFO}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run pods until SIGTERM or SIGINT; their containers stay."""
    try:
        config = parse_flags(arguments)
    except (ConfigError, OSError) as err:
        return _fail(err)
    log_to_stderr(_LEVELS.get(config.verbosity, logging.DEBUG))
    import asyncio  # 50 ms that `--help` need not pay

    from apimachinery.kubeconfig import KubeconfigError
    from kube_client.credentials import UnsupportedCredentialsError

    try:
        asyncio.run(_run(config))
    except (OSError, ValueError, KubeconfigError, UnsupportedCredentialsError) as err:
        return _fail(err)
    return 0


def _fail(err: Exception) -> int:
    sys.stderr.write(f"mini-kubelet: {err}\n")
    return 1


async def _run(config: KubeletConfig) -> None:
    import asyncio
    import importlib

    from faults.service import serve_faults
    from hops.admin import AdminServer
    from hops.aiohttp_server import load_aiohttp_server
    from hops.hop import Hop
    from hops.hops import Hops
    from hops.loading import loading
    from hops.tasks import spawn
    from kube_client.client import KubeClient
    from kubelet.node_lookup import look_up_node

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    hops = Hops(f"kubelet/{config.node_name}")
    if config.trace_dir:
        hops.trace_to(config.trace_dir, data_bytes=config.trace_bytes)
    client = KubeClient.from_kubeconfig(
        hops,
        Hop.KUBELET_APISERVER,
        config.kubeconfig,
        user_agent=f"mini-kubelet/{config.kubelet_version} (linux)",
    )
    known = spawn("kubelet node lookup", look_up_node(client, config.node_name))
    load_aiohttp_server()
    # gRPC and aiohttp take a quarter of a second to load: the dialling goes on.
    with loading():
        app = await asyncio.to_thread(importlib.import_module, "kubelet.app")
    kubelet = app.Kubelet(config, hops, client)
    admin = AdminServer(hops, config.admin_socket) if config.admin_socket else None
    if admin is not None:
        serve_faults(admin, hops)
    try:
        await kubelet.start(known)
        if admin is not None:
            await admin.start()
        sys.stdout.write(f"mini-kubelet: serving on {kubelet.address}\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        known.cancel()
        if admin is not None:
            await admin.close()
        await kubelet.close()


if __name__ == "__main__":
    sys.exit(main())
