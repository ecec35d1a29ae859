"""`mini-kube tap kubelet`: between an API server and a kubelet's HTTPS port.

A client certificate cannot be passed through a TLS connection that ends here. Given the
authority that the kubelet trusts, the tap makes each client's anew: the same user and
groups, with the tap's key. Else it shows one of its own, and lets nobody in but those
who are named: who uses the tap then has the rights of that certificate. Bearer tokens
pass as they are.
"""

from __future__ import annotations

import ssl
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certs.pki import Pki
from certs.profile import Profile, Usage
from hops.errors import ConnectError
from hops.hop import Hop, format_address
from hops.session import HEADER, TraceParent, new_traceparent
from hops.tls.contexts import client_context, server_context
from tap.errors import TapError
from tap.http_tap import HttpTap, RouteRefusedError
from tap.keys import make_keys
from tap.upstream import Upstream, parse_server, target_address
from wire.http1 import RequestHead, get_header

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from hops.cluster_view import ClusterView
    from hops.connection import Connection
    from hops.hops import Hops
    from tap.running import TapFolder

__all__ = ["KubeletTap", "add_arguments"]

_PORT = 10250


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of this tap alone."""
    add = parser.add_argument
    add("--address", required=True, metavar="HOST:PORT", help="of the kubelet")
    add(
        "--node",
        default="",
        metavar="NAME",
        help="a node of our own cluster: all certificates are taken from there",
    )
    for flag, text in (
        ("--certificate-authority", "authorities of the kubelet's certificate"),
        ("--client-certificate", "shown to the kubelet"),
        ("--client-key", "private key of that certificate"),
        ("--client-ca-file", "authorities of those who may use the tap"),
        (
            "--remake-ca-cert",
            "authority that the kubelet trusts: clients keep their names",
        ),
        ("--remake-ca-key", "private key of that authority"),
        ("--tls-cert-file", "what the tap serves with (default: one it makes)"),
        ("--tls-private-key-file", "private key of that certificate"),
    ):
        add(flag, type=Path, metavar="FILE", help=text)
    add(
        "--allowed-name",
        action="append",
        default=[],
        metavar="CN",
        help="with --client-ca-file: common name of who may use --client-certificate",
    )
    add(
        "--insecure-skip-tls-verify",
        action="store_true",
        help="whoever answers is taken for the kubelet",
    )


class KubeletTap:
    """Made of the command's flags; see `tap.running.TapServer`."""

    hop = Hop.APISERVER_KUBELET

    def __init__(
        self,
        options: argparse.Namespace,
        hops: Hops,
        folder: TapFolder,
        view: ClusterView | None,
    ) -> None:
        if options.node:
            _take_from_cluster(options, view)
        _check_pairs(options)
        self._options = options
        server = parse_server(options.address, default_port=_PORT)
        self._upstream = Upstream(hops, self.hop, server, tls=self._own_context)
        self._authority = _Remaker.of(options)
        listen = target_address(options.listen)
        host = listen[0] if isinstance(listen, tuple) else "localhost"
        hosts = (host, "127.0.0.1", "::1", "localhost")
        self._keys = make_keys(folder.path, tuple(dict.fromkeys(hosts)))
        self._tap = HttpTap(
            hops, self.hop, self._route, listen, tls=self._server_context()
        )
        self._own: ssl.SSLContext | None = None

    def _server_context(self) -> ssl.SSLContext:
        """Who has no certificate of the right authority is not let in."""
        options = self._options
        return server_context(
            options.tls_cert_file or self._keys.server_cert,
            options.tls_private_key_file or self._keys.server_key,
            client_ca=options.client_ca_file or self._keys.ca,
            require_client_cert=True,
        )

    def _own_context(self) -> ssl.SSLContext:
        if self._own is None:
            options = self._options
            self._own = self._context(options.client_certificate, options.client_key)
        return self._own

    def _context(self, cert: Path | None, key: Path | None) -> ssl.SSLContext:
        context = client_context(
            self._options.certificate_authority, cert=cert, key=key
        )
        if self._options.insecure_skip_tls_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _route(self, client: Connection) -> _Route:
        profile = _profile(client.get_extra_info("peercert") or {})
        if self._authority is not None:
            context = self._authority.context_for(profile, self._context)
            return _Route(self._upstream, context)
        allowed = self._options.allowed_name
        refused = bool(allowed) and profile.common_name not in allowed
        return _Route(self._upstream, None, refused=profile.common_name * refused)

    async def start(self) -> list[str]:
        """Listen, once the kubelet is seen to be there. Answers how to go on."""
        try:
            await self._upstream.check()
        except ConnectError as err:
            raise TapError(f"{self._options.address}: {err}") from err
        await self._tap.start()
        address = format_address(self._tap.address)
        lines = [f"tap: https://{address} -> https://{self._upstream.server.authority}"]
        if self._options.client_ca_file is None:
            keys = self._keys
            lines.append(
                f"  curl --cacert {keys.ca} --cert {keys.client_cert}"
                f" --key {keys.client_key} https://{address}/pods"
            )
        port = address.rpartition(":")[2]
        lines.append(
            "  The API server goes through it when the node's"
            f" status.daemonEndpoints.kubeletEndpoint.Port is {port}."
        )
        return lines

    async def close(self) -> None:
        """End the connections."""
        await self._tap.close()
        self._keys.remove()


class _Route:
    """One connection of an API server."""

    def __init__(
        self, upstream: Upstream, tls: ssl.SSLContext | None, *, refused: str = ""
    ) -> None:
        self._upstream = upstream
        self._tls = tls
        self._refused = refused

    async def prepare(self) -> None:
        if self._refused:
            text = f"mini-kube tap: {self._refused!r} is no --allowed-name"
            raise RouteRefusedError(403, text)

    async def dial(self) -> Connection:
        return await self._upstream.dial(self._tls)

    def rewrite(self, head: RequestHead) -> RequestHead:
        """The same request, for the kubelet's own address."""
        authority = self._upstream.server.authority
        headers = [
            (name, authority if name.lower() == "host" else value)
            for name, value in head.headers
        ]
        if TraceParent.parse(get_header(headers, HEADER)) is None:
            headers = [item for item in headers if item[0].lower() != HEADER]
            headers.append((HEADER, str(new_traceparent())))
        return RequestHead(head.method, head.target, headers, head.version)

    def answered(self, status: int) -> None:
        """Nothing follows from it."""


class _Remaker:
    """Makes clients' certificates anew, one for each subject."""

    def __init__(self, cert: Path, key: Path) -> None:
        from certs.authority import Certificate, CertificateAuthority

        try:
            pair = Certificate(cert.read_bytes(), key.read_bytes())
            self._authority = CertificateAuthority(pair)
        except ValueError as err:
            raise TapError(f"--remake-ca-cert, --remake-ca-key: {err}") from err
        self._contexts: dict[Profile, ssl.SSLContext] = {}

    @classmethod
    def of(cls, options: argparse.Namespace) -> _Remaker | None:
        """As the flags say; None when clients are not to keep their names."""
        if options.remake_ca_cert is None:
            return None
        return cls(options.remake_ca_cert, options.remake_ca_key)

    def context_for(
        self, profile: Profile, make: Callable[[Path, Path], ssl.SSLContext]
    ) -> ssl.SSLContext:
        """Settings that show a certificate of the same subject."""
        if profile not in self._contexts:
            made = self._authority.issue(profile, time.time())
            with tempfile.TemporaryDirectory() as folder:
                cert, key = Path(folder, "cert"), Path(folder, "key")
                cert.write_bytes(made.cert_pem)
                key.write_bytes(made.key_pem)
                self._contexts[profile] = make(cert, key)
        return self._contexts[profile]


def _profile(certificate: dict[str, Any]) -> Profile:
    """The user and groups of a certificate (x509.go: CN is the user, O are groups)."""
    parts = [item for part in certificate.get("subject", ()) for item in part]
    names = [value for key, value in parts if key == "commonName"]
    groups = tuple(value for key, value in parts if key == "organizationName")
    return Profile(names[-1] if names else "", groups, usages=(Usage.CLIENT,))


def _take_from_cluster(options: argparse.Namespace, view: ClusterView | None) -> None:
    """Fill in what was not given, from the certificates of a cluster of ours."""
    if view is None:
        raise TapError("--node: there is no cluster of ours; see --name, --state-dir")
    pki = Pki(view.state / "pki")
    serving, authority = pki.kubelet(options.node), pki.pair("ca")
    known = {
        "certificate_authority": authority.cert,
        "client_ca_file": authority.cert,
        "remake_ca_cert": authority.cert,
        "remake_ca_key": authority.key,
        "tls_cert_file": serving.cert,
        "tls_private_key_file": serving.key,
    }
    if not serving.cert.exists():
        raise TapError(f"--node: there is no node {options.node} in {view.state}")
    for name, path in known.items():
        if getattr(options, name) is None:
            setattr(options, name, path)


def _check_pairs(options: argparse.Namespace) -> None:
    for one, other in (
        ("client_certificate", "client_key"),
        ("tls_cert_file", "tls_private_key_file"),
        ("remake_ca_cert", "remake_ca_key"),
    ):
        if (getattr(options, one) is None) != (getattr(options, other) is None):
            flags = (f"--{name.replace('_', '-')}" for name in (one, other))
            raise TapError(f"{' and '.join(flags)} go together")
    if options.client_ca_file is None or options.remake_ca_cert is not None:
        return
    if not options.allowed_name:
        # Else whoever the authority has signed for would get the rights of ours.
        raise TapError("--client-ca-file needs --allowed-name, or --remake-ca-cert")
