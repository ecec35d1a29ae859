"""What a trace tells of a TLS connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

__all__ = ["tls_facts"]


def tls_facts(tls: ssl.SSLObject | ssl.SSLSocket) -> dict[str, Any]:
    """`version`, `cipher`, `bits`, `alpn`, `resumed`, `sni`, and the peer's certificate.

    `sni` is the name that a client asked for; a server is told it by OpenSSL only in a
    callback, and has null. `peer` is null when the peer showed no certificate, or one
    that was not checked.
    """
    cipher = tls.cipher() or ("", "", 0)
    return {
        "version": tls.version(),
        "cipher": cipher[0],
        "bits": cipher[2],
        "alpn": tls.selected_alpn_protocol(),
        "resumed": bool(tls.session_reused),
        "sni": tls.server_hostname,
        "peer": _certificate_facts(tls.getpeercert() or {}),
    }


def _certificate_facts(certificate: dict[str, Any]) -> dict[str, Any] | None:
    if not certificate:
        return None
    names = certificate.get("subjectAltName", ())
    return {
        "subject": _name(certificate.get("subject", ())),
        "issuer": _name(certificate.get("issuer", ())),
        "names": [value for _, value in names],
        "serial": certificate.get("serialNumber"),
        "not_before": certificate.get("notBefore"),
        "not_after": certificate.get("notAfter"),
    }


def _name(parts: Any) -> str:
    """`organizationName=system:masters,commonName=admin`."""
    return ",".join(f"{key}={value}" for part in parts for key, value in part)
