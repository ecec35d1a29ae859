"""TLS settings of all hops: at least 1.2, HTTP/1.1 by ALPN, certificates checked."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from hops.tls.keylog import log_keys

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["client_context", "server_context"]


def server_context(
    cert: str | Path,
    key: str | Path,
    *,
    client_ca: str | Path | None = None,
    require_client_cert: bool = False,
) -> ssl.SSLContext:
    """What a listener uses.

    Args:
        cert: PEM file of the certificate and its chain.
        key: PEM file of its private key.
        client_ca: PEM file of the authorities for client certificates. With it a
            client may present one, and must when `require_client_cert`.

    Raises:
        OSError: a file cannot be read, or holds something else; the text names it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    context.set_alpn_protocols(["http/1.1"])
    _load_pair(context, cert, key)
    # A ticket holds the client's certificate and costs 0.1 ms; one is enough.
    context.num_tickets = 1
    if client_ca is not None:
        _load_authorities(context, client_ca)
        required = ssl.CERT_REQUIRED if require_client_cert else ssl.CERT_OPTIONAL
        context.verify_mode = required
    return context


def client_context(
    ca: str | Path | bytes | None,
    *,
    cert: str | Path | None = None,
    key: str | Path | None = None,
) -> ssl.SSLContext:
    """What a dialler uses: the peer's certificate and name are always checked.

    Args:
        ca: PEM file (or PEM bytes) of the authorities; None: those of the system.
        cert: PEM file of our client certificate.
        key: PEM file of its key; by default in the same file.

    Raises:
        OSError: a file cannot be read, or holds something else; the text names it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _harden(context)
    context.set_alpn_protocols(["http/1.1"])
    if ca is None:
        context.load_default_certs()
    elif isinstance(ca, bytes):
        context.load_verify_locations(cadata=ca.decode("ascii"))
    else:
        _load_authorities(context, ca)
    if cert is not None:
        _load_pair(context, cert, key)
    return context


def _load_pair(
    context: ssl.SSLContext, cert: str | Path, key: str | Path | None
) -> None:
    try:
        context.load_cert_chain(cert, key)
    except OSError as error:
        text = "tls: failed to find a certificate and its private key"
        if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
            text = "tls: private key does not match public key"
        raise _naming(error, text, cert, key or cert) from None


def _load_authorities(context: ssl.SSLContext, path: str | Path) -> None:
    try:
        context.load_verify_locations(path)
    except OSError as error:
        text = "tls: failed to find any PEM data in certificate input"
        raise _naming(error, text, path) from None


def _naming(error: OSError, text: str, *paths: str | Path) -> OSError:
    """The error with the file it is about, which the ssl module does not tell."""
    if isinstance(error, ssl.SSLError):
        return OSError(f"{' and '.join(dict.fromkeys(map(str, paths)))}: {text}")
    for path in paths:
        try:
            with open(path, "rb"):
                pass
        except OSError as why:
            return OSError(f"open {path}: {(why.strerror or '').lower()}")
    return error


def _harden(context: ssl.SSLContext) -> None:
    log_keys(context)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    # An end without close_notify must be told from a proper one (RFC 8446 6.1).
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
