"""`mini-kube tap etcd`: between an API server, or etcdctl, and an etcd."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from hops.errors import ConnectError
from hops.hop import Hop, format_address
from hops.tls.contexts import client_context
from tap.byte_tap import ByteTap
from tap.errors import TapError
from tap.keys import TapKeys, make_keys
from tap.upstream import Upstream, parse_server, target_address

if TYPE_CHECKING:
    import argparse

    from hops.cluster_view import ClusterView
    from hops.hops import Hops
    from tap.running import TapFolder

__all__ = ["EtcdTap", "add_arguments"]

_PORT = 2379
_PROTOCOLS = ["h2", "http/1.1"]  # gRPC, and the JSON gateway on the same port


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of this tap alone; those of TLS are etcdctl's."""
    add = parser.add_argument
    add("--endpoint", default="http://127.0.0.1:2379", metavar="URL", help="of etcd")
    add("--cacert", type=Path, metavar="FILE", help="authorities of its certificate")
    add("--cert", type=Path, metavar="FILE", help="client certificate shown to it")
    add("--key", type=Path, metavar="FILE", help="private key of that certificate")
    add(
        "--insecure-skip-tls-verify",
        action="store_true",
        help="whoever answers is taken for etcd",
    )


class EtcdTap:
    """Made of the command's flags; see `tap.running.TapServer`."""

    hop = Hop.APISERVER_ETCD

    def __init__(
        self,
        options: argparse.Namespace,
        hops: Hops,
        folder: TapFolder,
        view: ClusterView | None,
    ) -> None:
        url = (
            options.endpoint
            if "://" in options.endpoint
            else f"http://{options.endpoint}"
        )
        server = parse_server(url, default_port=_PORT)
        self._url = url
        self._contexts = _contexts(options) if server.secure else {}
        self._upstream = Upstream(
            hops, self.hop, server, tls=lambda: self._onward(None)
        )
        listen = target_address(options.listen)
        self._keys: TapKeys | None = None
        if server.secure:
            # What stands open to who has a certificate must not stand open to all.
            host = listen[0] if isinstance(listen, tuple) else "localhost"
            hosts = tuple(dict.fromkeys((host, "127.0.0.1", "::1", "localhost")))
            self._keys = make_keys(folder.path, hosts)
        elif isinstance(server.address, str) and not isinstance(listen, str):
            raise TapError(
                f"{url} is a socket of one user: --listen must be one, too, and not"
                f" {options.listen}"
            )
        self._tap = ByteTap(
            hops,
            self.hop,
            self._upstream,
            listen,
            tls=self._keys.server_tls(_PROTOCOLS) if self._keys else None,
            onward_tls=self._onward,
        )

    def _onward(self, chosen: str | None) -> ssl.SSLContext | None:
        return self._contexts.get(chosen or "h2")

    async def start(self) -> list[str]:
        """Listen, once etcd is seen to be there. Answers how to go on."""
        try:
            await self._upstream.check()
        except ConnectError as err:
            raise TapError(f"{self._url}: {err}") from err
        await self._tap.start()
        address = self._tap.address
        where = (
            f"unix://{address}" if isinstance(address, str) else format_address(address)
        )
        if self._keys is None:
            url = where if isinstance(address, str) else f"http://{where}"
            return [
                f"tap: {url} -> {self._url}",
                f"  kube-apiserver --etcd-servers={url}    mini-kube up --etcd={url}",
                f"  etcdctl --endpoints={url} get / --prefix --keys-only",
            ]
        keys = self._keys
        return [
            f"tap: https://{where} -> {self._url}",
            f"  kube-apiserver --etcd-servers=https://{where} --etcd-cafile={keys.ca}"
            f" --etcd-certfile={keys.client_cert} --etcd-keyfile={keys.client_key}",
            f"  etcdctl --endpoints=https://{where} --cacert={keys.ca}"
            f" --cert={keys.client_cert} --key={keys.client_key} get / --prefix --keys-only",
        ]

    async def close(self) -> None:
        """End the connections."""
        await self._tap.close()
        if self._keys is not None:
            self._keys.remove()


def _contexts(options: argparse.Namespace) -> dict[str, ssl.SSLContext]:
    """Settings for each protocol that a client may have chosen."""
    if (options.cert is None) != (options.key is None):
        raise TapError("--cert and --key go together")
    made = {}
    for protocol in _PROTOCOLS:
        context = client_context(options.cacert, cert=options.cert, key=options.key)
        context.set_alpn_protocols([protocol])
        if options.insecure_skip_tls_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        made[protocol] = context
    return made
