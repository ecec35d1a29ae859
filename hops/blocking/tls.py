"""TLS for the synchronous host: contexts from PEM, and failures in Go's words.

Source of the texts: golang/go src/crypto/x509/verify.go and src/crypto/tls/alert.go.
"""

from __future__ import annotations

import contextlib
import os
import ssl

from hops.tls.keylog import log_keys
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TlsSettings", "as_file", "explain", "make_context"]

_UNTRUSTED = frozenset({2, 18, 19, 20, 21, 24})  # X509_V_ERR_* : no chain to a root
_EXPIRED = frozenset({9, 10})
_NAME_MISMATCH = frozenset({62, 64})
_ALERTS = {
    "SSLV3_ALERT_BAD_CERTIFICATE": "bad certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "unsupported certificate",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "revoked certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "expired certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "unknown certificate",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "handshake failure",
    "TLSV1_ALERT_UNKNOWN_CA": "unknown certificate authority",
    "TLSV1_ALERT_ACCESS_DENIED": "access denied",
    "TLSV1_ALERT_PROTOCOL_VERSION": "protocol version not supported",
    "TLSV1_ALERT_INTERNAL_ERROR": "internal error",
    "TLSV1_UNRECOGNIZED_NAME": "unrecognized name",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "certificate required",
}


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """What to trust and what to show. Data wins over files; no authority: the system's."""

    ca_file: str = ""
    ca_data: bytes = b""
    cert_file: str = ""
    cert_data: bytes = b""
    key_file: str = ""
    key_data: bytes = b""
    insecure: bool = False
    server_name: str = ""


def make_context(settings: TlsSettings) -> ssl.SSLContext:
    """A client context: TLS 1.2 or newer, the name checked, HTTP/1.1 by ALPN.

    Raises:
        ValueError: a certificate or key is not readable, in Go's words.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    log_keys(context)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if settings.insecure:
        # Only when the user's kubeconfig or flag says insecure-skip-tls-verify.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        _load_authority(context, settings)
    if settings.cert_file or settings.cert_data:
        with (
            as_file(settings.cert_file, settings.cert_data) as certificate,
            as_file(settings.key_file, settings.key_data) as key,
        ):
            _load_pair(context, certificate, key)
    return context


def _load_authority(context: ssl.SSLContext, settings: TlsSettings) -> None:
    try:
        if settings.ca_data:
            context.load_verify_locations(cadata=settings.ca_data.decode("latin-1"))
        elif settings.ca_file:
            context.load_verify_locations(cafile=settings.ca_file)
        else:
            context.load_default_certs()
    except ssl.SSLError:
        raise ValueError(
            "unable to load root certificates: unable to parse bytes as PEM block"
        ) from None


def _load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            text = "tls: private key does not match public key"
        else:
            text = "tls: failed to find any PEM data in certificate input"
        raise ValueError(text) from None


@contextlib.contextmanager
def as_file(path: str, data: bytes) -> Iterator[str]:
    """A path that OpenSSL can read; inline data stays in memory where it can.

    The ssl module loads a key from a file only, and a key has no business on a disk.
    """
    if not data:
        yield path
        return
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("pem", os.MFD_CLOEXEC)
        name = f"/proc/self/fd/{descriptor}"
    else:
        import tempfile

        descriptor, name = tempfile.mkstemp()  # 0600
    try:
        os.write(descriptor, data)
        yield name
    finally:
        os.close(descriptor)
        if not name.startswith("/proc/"):
            os.unlink(name)


def explain(error: ssl.SSLError, host: str, certificate: dict[str, object]) -> str:
    """The sentence Go has for a failed handshake.

    `certificate` is the server's, as `getpeercert` gives it, where it is known.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return "tls: failed to verify certificate: x509: " + _x509(
            error, host, certificate
        )
    reason = error.reason or ""
    if reason in _ALERTS:
        return f"remote error: tls: {_ALERTS[reason]}"
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
        # OpenSSL does not tell what came instead of TLS; HTTP is the usual mistake.
        return "http: server gave HTTP response to HTTPS client"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "EOF"
    return f"tls: {reason.replace('_', ' ').lower()}" if reason else str(error)


def _x509(
    error: ssl.SSLCertVerificationError, host: str, certificate: dict[str, object]
) -> str:
    if error.verify_code in _UNTRUSTED:
        return "certificate signed by unknown authority"
    if error.verify_code in _EXPIRED:
        return _expired(error.verify_code, certificate)
    if error.verify_code in _NAME_MISMATCH:
        return _mismatch(host, certificate, is_address=error.verify_code == 64)
    return error.verify_message


def _expired(code: int, certificate: dict[str, object]) -> str:
    import time

    text = "certificate has expired or is not yet valid"
    bound = certificate.get("notBefore" if code == 9 else "notAfter")
    if not isinstance(bound, str):
        return text
    limit = _rfc3339(float(ssl.cert_time_to_seconds(bound)))
    relation = "is before" if code == 9 else "is after"
    return f"{text}: current time {_rfc3339(time.time())} {relation} {limit}"


def _rfc3339(seconds: float) -> str:
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _mismatch(host: str, certificate: dict[str, object], *, is_address: bool) -> str:
    names = certificate.get("subjectAltName")
    pairs = names if isinstance(names, tuple) else ()
    if is_address:
        addresses = [value for kind, value in pairs if kind == "IP Address"]
        if not addresses:
            return (
                f"cannot validate certificate for {host}"
                " because it doesn't contain any IP SANs"
            )
        return f"certificate is valid for {', '.join(addresses)}, not {host}"
    hosts = [value for kind, value in pairs if kind == "DNS"]
    if not hosts:
        return f"certificate is not valid for any names, but wanted to match {host}"
    return f"certificate is valid for {', '.join(hosts)}, not {host}"
