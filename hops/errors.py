"""Why a connection could not be made, in the words of Go's net and crypto/tls.

kubectl prints these texts and people search for them, so they are Go's.
Source: Go's net.OpError ("dial tcp 1.2.3.4:5: connect: connection refused"),
crypto/tls CertificateVerificationError, crypto/x509 errors.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hops.hop import Address, format_address
from hops.tls.certificate_facts import peer_certificate_facts

if TYPE_CHECKING:
    from hops.tls.certificate_facts import CertificateFacts

__all__ = ["ConnectError", "ReadError", "dial_error", "read_error", "tls_error_text"]


class ConnectError(OSError):
    """Dialling failed; `str()` is Go's text."""

    def __init__(self, text: str, cause: BaseException | None = None) -> None:
        super().__init__(text)
        self.errno = getattr(cause, "errno", None)
        self.timeout = isinstance(cause, TimeoutError)

    def __str__(self) -> str:
        return str(self.args[0])


class ReadError(ConnectionResetError):
    """The peer has cut a connection that stood; `str()` is Go's text."""

    def __str__(self) -> str:
        return str(self.args[-1])


def read_error(local: Any, remote: Any, cause: ConnectionResetError) -> ReadError:
    """The ReadError for a reset, between two addresses as sockets have them."""
    network = "tcp" if isinstance(remote, tuple) else "unix"
    here, there = (_end(address, network) for address in (local, remote))
    text = f"read {network} {here}->{there}: read: {_reason(cause)}"
    return ReadError(cause.errno or errno.ECONNRESET, text)


def _end(address: Any, network: str) -> str:
    """One end of a connection; net calls a Unix socket without a name "@"."""
    if network == "unix":
        return str(address or "@")
    return format_address((str(address[0]), int(address[1]))) if address else ""


def dial_error(address: Address, cause: BaseException) -> ConnectError:
    """The ConnectError for what the operating system or OpenSSL said."""
    if isinstance(cause, ConnectError):
        return cause
    network = "unix" if isinstance(address, str) else "tcp"
    if isinstance(cause, ssl.SSLError):
        return ConnectError(tls_error_text(cause), cause)
    if isinstance(cause, socket.gaierror):
        return ConnectError(f"dial tcp: lookup {address[0]}: no such host", cause)
    where = f"dial {network} {format_address(address)}"
    if isinstance(cause, TimeoutError) and cause.errno is None:
        return ConnectError(f"{where}: i/o timeout", cause)
    return ConnectError(f"{where}: connect: {_reason(cause)}", cause)


def _reason(cause: BaseException) -> str:
    number = _errno(cause)
    if number is None and isinstance(cause, ConnectionResetError):
        number = errno.ECONNRESET
    if number is None:
        return str(cause) or type(cause).__name__
    if number == errno.ETIMEDOUT:
        return "connection timed out"
    return os.strerror(number)[:1].lower() + os.strerror(number)[1:]


def _errno(cause: BaseException) -> int | None:
    """The errno; of several attempts ("Multiple exceptions: ...") that of the first."""
    number = getattr(cause, "errno", None)
    if number is None and isinstance(cause, ConnectionRefusedError):
        return errno.ECONNREFUSED
    return number


# X509_V_ERR_* of OpenSSL -> the text of crypto/x509
_VERIFY_TEXTS = {
    18: "certificate signed by unknown authority",  # self signed
    19: "certificate signed by unknown authority",  # self signed in chain
    20: "certificate signed by unknown authority",  # no local issuer
    21: "certificate signed by unknown authority",  # cannot verify first
    7: "certificate signed by unknown authority",  # bad signature: another CA's key
    26: "certificate specifies an incompatible key usage",
}
_NOT_YET_VALID, _EXPIRED, _HOSTNAME, _IP_ADDRESS = 9, 10, 62, 64


def tls_error_text(
    cause: ssl.SSLError, peer: ssl.SSLObject | ssl.SSLSocket | None = None
) -> str:
    """What crypto/tls would have said.

    Args:
        peer: the object that raised it: its certificate's names and dates are told.
    """
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"tls: failed to verify certificate: x509: {_x509_text(cause, peer)}"
    if isinstance(cause, ssl.SSLEOFError):
        return "EOF"
    reason = cause.reason or ""
    if reason in _REASON_TEXTS:
        return _REASON_TEXTS[reason]
    for marker in ("TLSV13_ALERT_", "TLSV1_ALERT_", "SSLV3_ALERT_"):
        if reason.startswith(marker):
            alert = reason.removeprefix(marker).replace("_", " ").lower()
            return f"remote error: tls: {alert}"
    return f"tls: {reason.replace('_', ' ').lower() or cause}"


_REASON_TEXTS = {
    "WRONG_VERSION_NUMBER": "tls: first record does not look like a TLS handshake",
    "RECORD_LAYER_FAILURE": "tls: first record does not look like a TLS handshake",
    "HTTP_REQUEST": "tls: first record does not look like a TLS handshake",
    "PACKET_LENGTH_TOO_LONG": "tls: first record does not look like a TLS handshake",
    "TLSV1_ALERT_UNKNOWN_CA": "remote error: tls: unknown certificate authority",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "remote error: tls: certificate required",
    "UNEXPECTED_EOF_WHILE_READING": "unexpected EOF",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "tls: client didn't provide a certificate",
}


def _x509_text(
    cause: ssl.SSLCertVerificationError, peer: ssl.SSLObject | ssl.SSLSocket | None
) -> str:
    if cause.verify_code in (_EXPIRED, _NOT_YET_VALID):
        return _validity_text(peer_certificate_facts(peer))
    if cause.verify_code in (_HOSTNAME, _IP_ADDRESS):
        wanted = (peer.server_hostname if peer is not None else None) or "the peer"
        return _name_text(wanted, peer_certificate_facts(peer))
    return _VERIFY_TEXTS.get(cause.verify_code, cause.verify_message)


def _validity_text(facts: CertificateFacts | None) -> str:
    # crypto/x509 CertificateInvalidError, reason Expired
    text = "certificate has expired or is not yet valid"
    if facts is None:
        return text
    now = datetime.now(UTC)
    if now < facts.not_before:
        return f"{text}: current time {_rfc3339(now)} is before {_rfc3339(facts.not_before)}"
    return f"{text}: current time {_rfc3339(now)} is after {_rfc3339(facts.not_after)}"


def _name_text(wanted: str, facts: CertificateFacts | None) -> str:
    # crypto/x509 HostnameError
    if facts is None:
        return f"certificate is not valid for {wanted}"
    if _is_ip(wanted):
        names = facts.ip_addresses
        if not names:
            return (
                f"cannot validate certificate for {wanted} "
                "because it doesn't contain any IP SANs"
            )
    else:
        names = facts.dns_names
        if not names:
            return (
                f"certificate is not valid for any names, but wanted to match {wanted}"
            )
    return f"certificate is valid for {', '.join(names)}, not {wanted}"


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
