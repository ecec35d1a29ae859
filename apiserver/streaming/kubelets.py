"""The way to each kubelet: kept connections, one TLS context for all.

Source: kubernetes/kubernetes pkg/kubelet/client/kubelet_client.go.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from hops.client import HttpClient
from hops.hop import Hop, format_address
from hops.tls.contexts import client_context

if TYPE_CHECKING:
    from pathlib import Path

    from apiserver.streaming.location import KubeletAddress
    from hops.hops import Hops

__all__ = ["Kubelets"]


class Kubelets:
    """Clients of kubelets, by address.

    The client certificate is read once; without `ca` the kubelet's certificate cannot
    be verified, and then nothing is dialled.
    """

    def __init__(
        self,
        hops: Hops,
        *,
        ca: Path | None,
        cert: Path | None,
        key: Path | None,
    ) -> None:
        self._hops = hops
        self._files = (ca, cert, key)
        self._tls: dict[bool, ssl.SSLContext] = {}
        self._clients: dict[tuple[str, bool], HttpClient] = {}

    def client(self, address: KubeletAddress, *, verify: bool = True) -> HttpClient:
        """The client for one kubelet.

        Args:
            verify: False only for insecureSkipTLSVerifyBackend of a log request, by
                which a user asks for exactly that.
        """
        base_url = f"https://{format_address((address.host, address.port))}"
        found = self._clients.get((base_url, verify))
        if found is None:
            found = HttpClient(
                self._hops,
                Hop.APISERVER_KUBELET,
                base_url,
                tls=self._context(verify),
                server_hostname=address.host,
            )
            self._clients[base_url, verify] = found
        return found

    def _context(self, verify: bool) -> ssl.SSLContext:
        if verify not in self._tls:
            ca, cert, key = self._files
            context = client_context(ca, cert=cert, key=key)
            if not verify:
                # Only for logs whose request says insecureSkipTLSVerifyBackend.
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._tls[verify] = context
        return self._tls[verify]

    async def close(self) -> None:
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.close()
