"""Certificates with something wrong, for the listener of a hop to show.

They are made where a rule is added: the services neither have the authority's key nor
load what makes certificates.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from faults.parameters import RuleError
from hops.hop import Hop

if TYPE_CHECKING:
    from certs.authority import CertificateAuthority
    from faults.rules import Rule
    from hops.cluster_view import ClusterView

__all__ = ["make_certificate"]

_DAY = 86400.0
_HOPS = (Hop.KUBECTL_APISERVER, Hop.APISERVER_KUBELET)


def make_certificate(view: ClusterView, rule: Rule) -> dict[str, str]:
    """`cert_pem` and `key_pem` of a rule on certificates.

    Raises:
        RuleError: the hop has no TLS of ours, or the authority's key is not there.
    """
    from certs.authority import CertificateAuthority
    from certs.profile import Profile, Usage

    if rule.hop not in _HOPS:
        names = " and ".join(_HOPS)
        raise RuleError(f"{rule.hop} has no certificate of ours: only {names} have")
    now = time.time()
    issuer = _authority(view)
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "::1")
    lifetime = 365 * _DAY
    match rule.kind.name:
        case "certificate_unknown_authority":
            issuer = CertificateAuthority.create("unknown-ca", now)
        case "certificate_expired":
            now, lifetime = now - 30 * _DAY, 29 * _DAY
        case "certificate_not_yet_valid":
            now += 30 * _DAY
        case "certificate_wrong_host":
            hosts = ("wrong.host.invalid",)
    profile = Profile("fault", hosts=hosts, usages=(Usage.SERVER,))
    made = issuer.issue(profile, now, lifetime=lifetime)
    return {"cert_pem": made.cert_pem.decode(), "key_pem": made.key_pem.decode()}


def _authority(view: ClusterView) -> CertificateAuthority:
    from certs.authority import Certificate, CertificateAuthority

    folder = view.state / "pki"
    try:
        pair = Certificate(
            (folder / "ca.crt").read_bytes(), (folder / "ca.key").read_bytes()
        )
    except OSError as err:
        raise RuleError(
            "certificates need the cluster's authority, which is not here:"
            f" {err.filename}: {err.strerror}"
        ) from None
    return CertificateAuthority(pair)
