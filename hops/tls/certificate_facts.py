"""The few facts of a certificate that error texts name: its names and its dates.

A certificate that did not verify is not shown by `getpeercert`, and the command line
cannot afford to import `cryptography` for an error text. So: a small reader of DER.

Source: RFC 5280 4.1 (the order of the fields), 4.2.1.6 (subjectAltName); X.690.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

__all__ = ["CertificateFacts", "peer_certificate_facts", "read_certificate"]

_SEQUENCE, _OCTETS, _OID, _UTC_TIME = 0x30, 0x04, 0x06, 0x17
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_SUBJECT_ALT_NAME = bytes((0x55, 0x1D, 0x11))  # 2.5.29.17


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """Whom a certificate is for, and when."""

    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    not_before: datetime
    not_after: datetime


def peer_certificate_facts(
    peer: ssl.SSLObject | ssl.SSLSocket | None,
) -> CertificateFacts | None:
    """Facts of what the peer presented, verified or not; None when unreadable."""
    der = _unverified_leaf(peer)
    if der is None:
        return None
    try:
        return read_certificate(der)
    except (ValueError, IndexError, StopIteration):
        return None


def _unverified_leaf(peer: ssl.SSLObject | ssl.SSLSocket | None) -> bytes | None:
    # Public since Python 3.13; before that only on the object inside.
    inner = getattr(peer, "_sslobj", None)
    get_chain = getattr(inner, "get_unverified_chain", None)
    chain = get_chain() if get_chain is not None else None
    if not chain:
        return None
    leaf = chain[0]
    if isinstance(leaf, bytes):
        return leaf
    der: bytes = leaf.public_bytes(2)  # ENCODING_DER
    return der


def read_certificate(der: bytes) -> CertificateFacts:
    """Read a DER certificate.

    Raises:
        ValueError, IndexError, StopIteration: it is malformed.
    """
    certificate = _only(der, _SEQUENCE)
    to_be_signed = next(_values(certificate))[1]
    fields = [(tag, value) for tag, value in _values(to_be_signed) if tag != _VERSION]
    # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, ...
    not_before, not_after = (_time(tag, value) for tag, value in _values(fields[3][1]))
    names = _alternative_names(fields)
    return CertificateFacts(
        tuple(v.decode("latin-1") for tag, v in names if tag == _DNS_NAME),
        tuple(str(ipaddress.ip_address(v)) for tag, v in names if tag == _IP_ADDRESS),
        not_before,
        not_after,
    )


def _alternative_names(fields: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    for tag, value in fields:
        if tag != _EXTENSIONS:
            continue
        for _, extension in _values(_only(value, _SEQUENCE)):
            parts = list(_values(extension))  # extnID, [critical], extnValue
            if parts[0] == (_OID, _SUBJECT_ALT_NAME):
                return list(_values(_only(parts[-1][1], _SEQUENCE)))
    return []


def _time(tag: int, value: bytes) -> datetime:
    text = value.decode("ascii")
    if tag == _UTC_TIME:
        # RFC 5280 4.1.2.5.1: years from 50 on are in the last century
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _only(data: bytes, expected: int) -> bytes:
    tag, value = next(_values(data))
    if tag != expected:
        raise ValueError(f"tag {tag:#x}, expected {expected:#x}")
    return value


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The (tag, content) pairs that stand side by side in `data`."""
    position = 0
    while position < len(data):
        tag, length = data[position], data[position + 1]
        position += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[position : position + size], "big")
            position += size
        if position + length > len(data):
            raise ValueError("content is cut off")
        yield tag, data[position : position + length]
        position += length
