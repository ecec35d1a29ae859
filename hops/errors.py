"""Why a connection could not be made, in the words of Go's net and crypto/tls.

kubectl prints these texts and people search for them, so they are Go's.
Source: Go's net.OpError ("dial tcp 1.2.3.4:5: connect: connection refused"),
crypto/tls CertificateVerificationError, crypto/x509 errors.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from datetime import UTC, datetime

from hops.hop import Address, format_address

__all__ = ["ConnectError", "dial_error", "tls_error_text"]


class ConnectError(OSError):
    """Dialling failed; `str()` is Go's text."""

    def __init__(self, text: str, cause: BaseException | None = None) -> None:
        super().__init__(text)
        self.errno = getattr(cause, "errno", None)
        self.timeout = isinstance(cause, TimeoutError)

    def __str__(self) -> str:
        return str(self.args[0])


def dial_error(address: Address, cause: BaseException) -> ConnectError:
    """The ConnectError for what the operating system or OpenSSL said."""
    if isinstance(cause, ConnectError):
        return cause
    network = "unix" if isinstance(address, str) else "tcp"
    if isinstance(cause, ssl.SSLError):
        return ConnectError(tls_error_text(cause, address), cause)
    if isinstance(cause, socket.gaierror):
        return ConnectError(f"dial tcp: lookup {address[0]}: no such host", cause)
    where = f"dial {network} {format_address(address)}"
    if isinstance(cause, TimeoutError) and cause.errno is None:
        return ConnectError(f"{where}: i/o timeout", cause)
    return ConnectError(f"{where}: connect: {_reason(cause)}", cause)


def _reason(cause: BaseException) -> str:
    number = _errno(cause)
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


def tls_error_text(cause: ssl.SSLError, address: Address | None = None) -> str:
    """What crypto/tls would have said."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"tls: failed to verify certificate: x509: {_x509_text(cause, address)}"
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


def _x509_text(cause: ssl.SSLCertVerificationError, address: Address | None) -> str:
    code = cause.verify_code
    if code in (_EXPIRED, _NOT_YET_VALID):
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"certificate has expired or is not yet valid: current time {now}"
    if code in (_HOSTNAME, _IP_ADDRESS):
        host = address[0] if isinstance(address, tuple) else ""
        if code == _IP_ADDRESS:
            return f"certificate is not valid for IP address {host}"
        return f"certificate is not valid for {host}"
    return _VERIFY_TEXTS.get(code, cause.verify_message)
