"""The certificates of one cluster, in kubeadm's files, names and subjects.

Source: kubernetes.io "PKI certificates and requirements"; kubernetes/kubernetes
cmd/kubeadm/app/phases/certs/certlist.go. Two choices are our own, both so that any API
server honours them, a real one in place of ours included:

- the administrator and the API server's kubelet client are in `system:masters`, not in
  kubeadm's newer `kubeadm:cluster-admins`, which has rights only by kubeadm's binding;
- so is the controller manager: upstream gives each of its controllers a service account
  and a role of its own, ours share the one user.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from certs.facts import CertificateFacts, digest, read_facts, write_facts
from certs.files import PRIVATE, PUBLIC, write_atomically
from certs.profile import Profile, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from certs.authority import Certificate, CertificateAuthority

__all__ = [
    "RENEW_BEFORE",
    "KeyPairFiles",
    "Pki",
    "PkiNames",
    "ensure_pki",
    "expiries",
]

RENEW_BEFORE: Final = 30 * 86400.0
"""A certificate with less than this left (seconds) is made anew by `ensure_pki`."""

_CA: Final = "ca"
_FRONT_PROXY_CA: Final = "front-proxy-ca"
_AUTHORITIES: Final = {_CA: "kubernetes", _FRONT_PROXY_CA: "front-proxy-ca"}
_MASTERS: Final = ("system:masters",)
_SERVICE_HOSTS: Final = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
    "10.96.0.1",
    "127.0.0.1",
    "::1",
)


@dataclass(frozen=True, slots=True)
class PkiNames:
    """Who needs a certificate, and under which hosts they are reached.

    `api_server_hosts` come on top of the usual ones (service names, localhost);
    `nodes` maps a node's name to its addresses.
    """

    api_server_hosts: tuple[str, ...] = ()
    nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeyPairFiles:
    """Where a certificate and its private key lie."""

    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Pki:
    """The files of one cluster's certificates below `directory`."""

    directory: Path

    @property
    def ca_cert(self) -> Path:
        """The CA that every client and server of the cluster trusts."""
        return self.directory / "ca.crt"

    @property
    def front_proxy_ca_cert(self) -> Path:
        """The CA of those who may assert another user by X-Remote-* headers."""
        return self.directory / "front-proxy-ca.crt"

    @property
    def service_account_key(self) -> Path:
        """The private key that signs service-account tokens."""
        return self.directory / "sa.key"

    @property
    def service_account_public_key(self) -> Path:
        """The public key that verifies them."""
        return self.directory / "sa.pub"

    @property
    def api_server(self) -> KeyPairFiles:
        """What the API server serves with."""
        return self.pair("apiserver")

    @property
    def api_server_kubelet_client(self) -> KeyPairFiles:
        """What the API server shows to kubelets."""
        return self.pair("apiserver-kubelet-client")

    @property
    def admin(self) -> KeyPairFiles:
        """The user kubernetes-admin."""
        return self.pair("admin")

    @property
    def controller_manager(self) -> KeyPairFiles:
        """The user system:kube-controller-manager."""
        return self.pair("controller-manager")

    @property
    def scheduler(self) -> KeyPairFiles:
        """The user system:kube-scheduler."""
        return self.pair("scheduler")

    def kubelet(self, node: str) -> KeyPairFiles:
        """What the kubelet of `node` serves with."""
        return self.pair(f"nodes/{node}/kubelet")

    def kubelet_client(self, node: str) -> KeyPairFiles:
        """The user system:node:NODE."""
        return self.pair(f"nodes/{node}/kubelet-client")

    def pair(self, name: str) -> KeyPairFiles:
        """The files of the certificate called `name` in `expiries`."""
        return KeyPairFiles(
            self.directory / f"{name}.crt", self.directory / f"{name}.key"
        )


def ensure_pki(directory: Path, names: PkiNames, now: float) -> Pki:
    """Make what is missing, wrong or about to expire; leave the rest alone.

    A CA keeps its name and key for as long as its files are there. When everything
    is in order nothing is parsed and the cryptography package is not loaded.

    Args:
        directory: made if missing, readable by its owner only.
        names: the hosts and nodes to make certificates for.
        now: epoch seconds.

    Raises:
        ValueError: a CA file is there and is not a certificate with its EC key.
        OSError: a file cannot be read or written.
    """
    pki = Pki(directory)
    wanted = _wanted(names)
    if not _in_order(pki, wanted, now):
        _Workshop(pki, now).make(wanted)
    return pki


def expiries(directory: Path) -> dict[str, float]:
    """When each certificate of `directory` expires, in epoch seconds, by name."""
    pki, facts = Pki(directory), read_facts(directory)
    there = sorted(name for name in facts if pki.pair(name).cert.exists())
    return {name: facts[name].not_after for name in there}


def _wanted(names: PkiNames) -> dict[str, tuple[str, Profile]]:
    """Every leaf: its name, the CA that signs it, and what it says."""
    server, client = (Usage.SERVER,), (Usage.CLIENT,)
    hosts = tuple(dict.fromkeys((*_SERVICE_HOSTS, *names.api_server_hosts)))
    leafs = {
        "apiserver": Profile("kube-apiserver", hosts=hosts, usages=server),
        "apiserver-kubelet-client": Profile(
            "kube-apiserver-kubelet-client", _MASTERS, usages=client
        ),
        "admin": Profile("kubernetes-admin", _MASTERS, usages=client),
        "controller-manager": Profile(
            "system:kube-controller-manager", _MASTERS, usages=client
        ),
        "scheduler": Profile("system:kube-scheduler", usages=client),
    }
    for node, addresses in names.nodes.items():
        user, groups = f"system:node:{node}", ("system:nodes",)
        hosts = tuple(dict.fromkeys((node, *addresses)))
        leafs[f"nodes/{node}/kubelet"] = Profile(user, groups, hosts, server)
        leafs[f"nodes/{node}/kubelet-client"] = Profile(user, groups, usages=client)
    wanted = {name: (_CA, profile) for name, profile in leafs.items()}
    front_proxy = Profile("front-proxy-client", usages=client)
    wanted["front-proxy-client"] = (_FRONT_PROXY_CA, front_proxy)
    return wanted


def _in_order(pki: Pki, wanted: dict[str, tuple[str, Profile]], now: float) -> bool:
    """Whether the facts cover every file and all of them last long enough."""
    facts = read_facts(pki.directory)
    if not pki.service_account_key.exists():
        return False
    if not pki.service_account_public_key.exists():
        return False
    profiles = {name: Profile(common) for name, common in _AUTHORITIES.items()}
    profiles |= {name: profile for name, (_, profile) in wanted.items()}
    issuers = {name: name for name in _AUTHORITIES}
    issuers |= {name: authority for name, (authority, _) in wanted.items()}
    return all(
        name in facts
        and issuers[name] in facts
        and facts[name].profile == profile
        and facts[name].issuer == facts[issuers[name]].digest
        and facts[name].not_after - now > RENEW_BEFORE
        and _unchanged(pki.pair(name), facts[name])
        for name, profile in profiles.items()
    )


def _unchanged(files: KeyPairFiles, fact: CertificateFacts) -> bool:
    try:
        return digest(files.cert.read_bytes()) == fact.digest and files.key.exists()
    except OSError:
        return False


class _Workshop:
    """One pass over a folder of certificates that is not in order."""

    def __init__(self, pki: Pki, now: float) -> None:
        self._pki = pki
        self._now = now
        self._facts: dict[str, CertificateFacts] = {}

    def make(self, wanted: dict[str, tuple[str, Profile]]) -> None:
        # A private folder: names of nodes and expiry dates are nobody else's matter.
        self._pki.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        authorities = {
            name: self._authority(name, common_name)
            for name, common_name in _AUTHORITIES.items()
        }
        for name, (authority, profile) in wanted.items():
            self._leaf(name, authority, authorities[authority], profile)
        self._service_account_keys()
        write_facts(self._pki.directory, self._facts)

    def _authority(self, name: str, common_name: str) -> CertificateAuthority:
        from certs.authority import CertificateAuthority  # loads cryptography

        existing = self._read(name)
        if existing is None:
            authority = CertificateAuthority.create(common_name, self._now)
            self._write(name, authority.certificate)
        else:
            authority = CertificateAuthority(existing)
            if existing.not_after - self._now <= RENEW_BEFORE:
                authority = authority.renewed(self._now)
                self._write(name, authority.certificate)
        own_digest = digest(authority.certificate.cert_pem)
        self._note(name, authority.certificate, own_digest, Profile(common_name))
        return authority

    def _leaf(
        self,
        name: str,
        authority_name: str,
        authority: CertificateAuthority,
        profile: Profile,
    ) -> None:
        certificate = self._read(name)
        if certificate is None or not self._good(certificate, authority, profile):
            certificate = authority.issue(profile, self._now)
            self._write(name, certificate)
        self._note(name, certificate, self._facts[authority_name].digest, profile)

    def _good(
        self,
        certificate: Certificate,
        authority: CertificateAuthority,
        profile: Profile,
    ) -> bool:
        return (
            authority.issued(certificate)
            and certificate.key_matches()
            and certificate.profile == profile
            and certificate.not_after - self._now > RENEW_BEFORE
        )

    def _service_account_keys(self) -> None:
        from certs.authority import new_key_pair  # loads cryptography

        private, public = (
            self._pki.service_account_key,
            self._pki.service_account_public_key,
        )
        if private.exists() and public.exists():
            return
        private_pem, public_pem = new_key_pair()
        write_atomically(private, private_pem, mode=PRIVATE)
        write_atomically(public, public_pem, mode=PUBLIC)

    def _read(self, name: str) -> Certificate | None:
        from certs.authority import Certificate  # loads cryptography

        files = self._pki.pair(name)
        try:
            certificate = Certificate(files.cert.read_bytes(), files.key.read_bytes())
        except FileNotFoundError:
            return None
        return certificate if name in _AUTHORITIES or _parses(certificate) else None

    def _write(self, name: str, certificate: Certificate) -> None:
        files = self._pki.pair(name)
        files.cert.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(files.key, certificate.key_pem, mode=PRIVATE)
        write_atomically(files.cert, certificate.cert_pem, mode=PUBLIC)

    def _note(
        self, name: str, certificate: Certificate, issuer: str, profile: Profile
    ) -> None:
        self._facts[name] = CertificateFacts(
            digest=digest(certificate.cert_pem),
            issuer=issuer,
            profile=profile,
            not_after=certificate.not_after,
        )


def _parses(certificate: Certificate) -> bool:
    try:
        _ = certificate.x509
    except ValueError:
        return False
    return True
