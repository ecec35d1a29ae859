"""`mini-kube fault serve`: the control API as a process."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import sys
from typing import TYPE_CHECKING

from faults.client import FaultClient, FaultError
from faults.control.api import ControlApi
from faults.control.errors import ApiError
from faults.control.proxies import HopProxy, Proxy, parse_address
from faults.parameters import RuleError
from faults.places import services_for
from hops.aiohttp_server import load_aiohttp_server
from hops.hop import Hop, format_address
from hops.hops import Hops
from hops.serve import serve_application

if TYPE_CHECKING:
    from hops.cluster_view import ClusterView

__all__ = ["serve"]


def serve(view: ClusterView | None, address: str, *, anywhere: bool) -> int:
    """Serve until SIGTERM or SIGINT.

    Args:
        view: whose hops are proxies; None: none are.
        anywhere: an address beside loopback is allowed. Whoever reaches it can break
            the cluster, and open connections to what this machine reaches.

    Raises:
        FaultError: the address cannot be.
    """
    try:
        host, port = parse_address(address)
    except ApiError:
        raise FaultError(f"{address!r} is not HOST:PORT") from None
    if not anywhere and not _is_loopback(host):
        raise FaultError(
            f"{host} is not loopback: whoever reaches it can break the cluster;"
            " say --anywhere if that is meant"
        )
    asyncio.run(_serve(view, (host, port)))
    return 0


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def hop_proxies(view: ClusterView) -> list[Proxy]:
    """A proxy for each hop that some service carries out faults on."""
    client = FaultClient(view)
    proxies: list[Proxy] = []
    for hop in Hop:
        try:
            services = services_for(hop, view.admin_sockets)
        except RuleError:
            continue
        proxies.append(HopProxy(hop, client, ",".join(services)))
    return proxies


async def _serve(view: ClusterView | None, address: tuple[str, int]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    load_aiohttp_server()
    api = ControlApi(hop_proxies(view) if view is not None else ())
    hops = Hops("fault-control", armed=False)
    try:
        listener = await serve_application(hops, Hop.PROXY, api.application(), address)
    except OSError as err:
        raise FaultError(str(err)) from None
    sys.stdout.write(f"serving on http://{format_address(listener.address)}\n")
    sys.stdout.flush()
    try:
        await stop.wait()
    finally:
        listener.close()
        await listener.wait_closed()
        await api.close()
