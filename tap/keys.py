"""The keys of one tap: what it serves with, and what its clients must show.

Who reaches a tap acts with the credentials that it holds, so it lets nobody in but who
has the client certificate that it made for itself when it started. All of it lies in
the tap's folder, mode 0700, and is made anew each time.
"""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certs.files import write_atomically
from certs.profile import Profile, Usage
from hops.tls.contexts import server_context

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

__all__ = ["TapKeys", "make_keys"]


@dataclass(frozen=True, slots=True)
class TapKeys:
    """Files, PEM."""

    ca: Path
    server_cert: Path
    server_key: Path
    client_cert: Path
    client_key: Path

    def server_tls(self, protocols: list[str]) -> ssl.SSLContext:
        """What the tap listens with; a client without our certificate is refused."""
        context = server_context(
            self.server_cert,
            self.server_key,
            client_ca=self.ca,
            require_client_cert=True,
        )
        context.set_alpn_protocols(protocols)
        # A ticket would let in who has it, without the certificate being looked at.
        context.num_tickets = 0
        return context

    def encoded(self) -> tuple[str, str, str]:
        """CA, client certificate and its key as kubeconfigs hold them."""
        files = (self.ca, self.client_cert, self.client_key)
        ca, cert, key = (base64.b64encode(f.read_bytes()).decode() for f in files)
        return ca, cert, key

    def remove(self) -> None:
        """Leave no key behind."""
        for path in (
            self.ca,
            self.server_cert,
            self.server_key,
            self.client_cert,
            self.client_key,
        ):
            path.unlink(missing_ok=True)


def make_keys(folder: Path, hosts: tuple[str, ...]) -> TapKeys:
    """Make and write them.

    Args:
        hosts: under which clients reach the tap.
    """
    from certs.authority import CertificateAuthority  # loads cryptography

    now = time.time()
    authority = CertificateAuthority.create("mini-kube tap", now)
    server = authority.issue(
        Profile("mini-kube tap", hosts=hosts, usages=(Usage.SERVER,)), now
    )
    client = authority.issue(
        Profile("mini-kube tap client", usages=(Usage.CLIENT,)), now
    )
    keys = TapKeys(
        folder / "ca.crt",
        folder / "server.crt",
        folder / "server.key",
        folder / "client.crt",
        folder / "client.key",
    )
    write_atomically(keys.ca, authority.certificate.cert_pem)
    write_atomically(keys.server_cert, server.cert_pem)
    write_atomically(keys.server_key, server.key_pem)
    write_atomically(keys.client_cert, client.cert_pem)
    write_atomically(keys.client_key, client.key_pem)
    return keys
