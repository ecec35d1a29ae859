"""`mini-kube tap cri`: between a kubelet, or crictl, and a container runtime.

Exec, Attach and PortForward answer with a URL to which the kubelet then connects. The
tap gives out URLs of its own, so that this leg goes through it, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hops.errors import ConnectError
from hops.hop import Hop, format_address
from hops.session import HEADER, TraceParent, new_traceparent
from tap.byte_tap import ByteTap
from tap.cri_core import StreamUrlChanger
from tap.errors import TapError
from tap.http_tap import HttpTap, RouteRefusedError
from tap.stream_targets import StreamTarget, StreamTargets
from tap.upstream import Upstream, parse_server
from wire.http1 import RequestHead, get_header

if TYPE_CHECKING:
    import argparse
    import ssl

    from hops.cluster_view import ClusterView
    from hops.connection import Connection
    from hops.hops import Hops
    from tap.running import TapFolder

__all__ = ["CriTap", "add_arguments"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of this tap alone."""
    parser.add_argument(
        "--socket",
        default="unix:///run/containerd/containerd.sock",
        metavar="PATH",
        help="of the runtime (default: %(default)s)",
    )
    parser.add_argument(
        "--stream-address",
        default="127.0.0.1",
        metavar="IP",
        help="where the tap serves streams; runtime and kubelet reach it there"
        " (default: %(default)s)",
    )


class CriTap:
    """Made of the command's flags; see `tap.running.TapServer`."""

    hop = Hop.KUBELET_CRI

    def __init__(
        self,
        options: argparse.Namespace,
        hops: Hops,
        folder: TapFolder,
        view: ClusterView | None,
    ) -> None:
        self._hops = hops
        self._socket = options.socket.removeprefix("unix://")
        listen = options.listen.removeprefix("unix://") or str(folder.path / "cri.sock")
        for path in (self._socket, listen):
            if not path.startswith("/"):
                raise TapError(f"{path!r} is not the path of a socket")
        server = parse_server(f"unix://{self._socket}")
        self._upstream = Upstream(hops, self.hop, server)
        self._targets: StreamTargets
        self._streams = HttpTap(
            hops,
            Hop.KUBELET_CRI_STREAMING,
            lambda client: _StreamRoute(hops, self._targets),
            (options.stream_address, 0),
        )
        self._tap = ByteTap(
            hops, self.hop, self._upstream, listen, changer=self._changer
        )

    def _changer(self) -> StreamUrlChanger:
        return StreamUrlChanger(self._targets.replace)

    async def start(self) -> list[str]:
        """Listen, once the runtime is seen to be there. Answers how to go on."""
        try:
            await self._upstream.check()
        except ConnectError as err:
            raise TapError(f"unix://{self._socket}: {err}") from err
        await self._streams.start()
        authority = format_address(self._streams.address)
        self._targets = StreamTargets(authority)
        await self._tap.start()
        url = f"unix://{self._tap.address}"
        return [
            f"tap: {url} -> unix://{self._socket}",
            f"  streams by http://{authority}",
            f"  kubelet --container-runtime-endpoint={url}",
            f"  crictl --runtime-endpoint={url} ps",
        ]

    async def close(self) -> None:
        """End the connections."""
        await self._tap.close()
        await self._streams.close()


class _StreamRoute:
    """One streaming connection."""

    def __init__(self, hops: Hops, targets: StreamTargets) -> None:
        self._hops = hops
        self._targets = targets
        self._target: StreamTarget | None = None

    async def prepare(self) -> None:
        """Nothing is needed."""

    async def dial(self) -> Connection:
        if self._target is None:
            raise RouteRefusedError(404, "404 page not found")  # as runtimes say
        server = self._target.server
        upstream = Upstream(
            self._hops,
            Hop.KUBELET_CRI_STREAMING,
            server,
            tls=lambda: _unchecked() if server.secure else None,
        )
        return await upstream.dial()

    def rewrite(self, head: RequestHead) -> RequestHead:
        """The request for the runtime's own URL, in the session of the call."""
        path, mark, query = head.target.partition("?")
        target = self._targets.find(path)
        if target is None:
            return head
        self._target = target
        authority = target.server.authority
        headers = [
            (name, authority if name.lower() == "host" else value)
            for name, value in head.headers
        ]
        if TraceParent.parse(get_header(headers, HEADER)) is None:
            session = TraceParent(target.trace, new_traceparent().parent_id)
            headers = [item for item in headers if item[0].lower() != HEADER]
            headers.append((HEADER, str(session)))
        return RequestHead(
            head.method, target.path + mark + query, headers, head.version
        )

    def answered(self, status: int) -> None:
        """Nothing follows from it."""


def _unchecked() -> ssl.SSLContext:
    """containerd signs the certificate of its streaming server itself.

    Source: kubernetes/apimachinery pkg/util/proxy/dial.go: the kubelet does not check
    it either.
    """
    import ssl

    from hops.tls.contexts import client_context

    context = client_context(None)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
