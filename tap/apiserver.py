"""`mini-kube tap apiserver`: between any client and a real API server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from apimachinery.kubeconfig import KubeconfigError
from hops.errors import ConnectError
from hops.hop import Hop, format_address
from hops.session import HEADER, TraceParent, new_traceparent
from tap.credentials import UserCredentials
from tap.errors import TapError
from tap.http_tap import HttpTap
from tap.keys import make_keys
from tap.kubeconfig import find_kubeconfigs, read_context, write_kubeconfig
from tap.upstream import Upstream, parse_server, target_address
from wire.http1 import RequestHead, get_header

if TYPE_CHECKING:
    import argparse

    from hops.cluster_view import ClusterView
    from hops.connection import Connection
    from hops.hops import Hops
    from tap.running import TapFolder

__all__ = ["ApiServerTap", "add_arguments"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of this tap alone."""
    parser.add_argument(
        "--kubeconfig",
        metavar="FILE",
        help="of the real API server (default: as kubectl looks for it)",
    )
    parser.add_argument("--context", default="", help="one of its contexts")
    parser.add_argument(
        "--write-kubeconfig",
        metavar="FILE",
        help="where the kubeconfig that goes through the tap is written"
        " (default: in the tap's own folder)",
    )


class ApiServerTap:
    """Made of the command's flags; see `tap.running.TapServer`."""

    hop = Hop.KUBECTL_APISERVER

    def __init__(
        self,
        options: argparse.Namespace,
        hops: Hops,
        folder: TapFolder,
        view: ClusterView | None,
    ) -> None:
        paths = find_kubeconfigs(options.kubeconfig, os.environ, view)
        try:
            self._config, client = read_context(paths, options.context)
            server = parse_server(client.server)
        except (KubeconfigError, ValueError, OSError) as err:
            raise TapError(str(err)) from err
        if client.proxy_url:
            raise TapError(f"proxy-url {client.proxy_url}: not supported by the tap")
        self._client = client
        self._credentials = UserCredentials(client)
        self._upstream = Upstream(
            hops,
            self.hop,
            server,
            tls=self._credentials.tls,
            server_name=client.tls_server_name,
        )
        self._listen = target_address(options.listen)
        host = self._listen[0] if isinstance(self._listen, tuple) else "localhost"
        names = dict.fromkeys((host, "127.0.0.1", "::1", "localhost"))
        self._keys = make_keys(folder.path, tuple(names))
        given = options.write_kubeconfig
        self._kubeconfig = Path(given) if given else folder.path / "kubeconfig"
        if os.path.lexists(self._kubeconfig):
            raise TapError(
                f"--write-kubeconfig {given}: this file exists. The tap takes its own"
                " away at its end, so it overwrites none: say another"
            )
        self._tap = HttpTap(
            hops,
            self.hop,
            lambda client: _Route(self._upstream, self._credentials),
            self._listen,
            tls=self._keys.server_tls(["http/1.1"]),
        )

    async def start(self) -> list[str]:
        """Listen, once the real server is seen to be there. Answers how to go on."""
        try:
            await self._credentials.refresh()
            await self._upstream.check()
        except ConnectError as err:
            raise TapError(f"{self._client.server}: {err}") from err
        await self._tap.start()
        address = format_address(self._tap.address)
        server = f"https://{address}{self._upstream.server.path}"
        write_kubeconfig(
            self._kubeconfig, self._config, self._client, server, self._keys
        )
        return [
            f"tap: {server} -> {self._client.server}",
            f"  context {self._client.context_name or '(none)'},"
            f" user {self._client.user_name or '(none)'}",
            "In another terminal:",
            f"  export KUBECONFIG={self._kubeconfig}",
            "  kubectl get pods",
        ]

    async def close(self) -> None:
        """End the connections; the kubeconfig is of no use any more."""
        await self._tap.close()
        self._kubeconfig.unlink(missing_ok=True)
        self._keys.remove()


class _Route:
    """One client's connection."""

    def __init__(self, upstream: Upstream, credentials: UserCredentials) -> None:
        self._upstream = upstream
        self._credentials = credentials

    async def prepare(self) -> None:
        await self._credentials.refresh()

    async def dial(self) -> Connection:
        return await self._upstream.dial()

    def rewrite(self, head: RequestHead) -> RequestHead:
        """The same request as this client would send to the real server."""
        authority = self._upstream.server.authority
        headers = [
            (name, authority if name.lower() == "host" else value)
            for name, value in head.headers
        ]
        # round_trippers.go: what a request says of itself is not replaced
        if get_header(headers, "authorization") is None:
            headers += self._credentials.headers()
        if TraceParent.parse(get_header(headers, HEADER)) is None:
            headers = [item for item in headers if item[0].lower() != HEADER]
            headers.append((HEADER, str(new_traceparent())))
        return RequestHead(head.method, head.target, headers, head.version)

    def answered(self, status: int) -> None:
        if status == 401:
            self._credentials.refused()
