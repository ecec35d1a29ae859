"""A certificate and its private key: whether they are, and belong together.

Source: golang/go src/crypto/tls/tls.go (X509KeyPair) for the rules and the sentences.
"""

from __future__ import annotations

import re
import ssl

from hops.blocking.tls import as_file
from kubectl_cli.errors import CommandError

__all__ = ["check_key_pair"]

_BLOCK = re.compile(rb"^-----BEGIN ([A-Z0-9 ]+)-----\r?$", re.MULTILINE)
_MISMATCHES = {
    "KEY_TYPE_MISMATCH": "tls: private key type does not match public key type",
    # the key is for a certificate of another type, of which there is none
    "NO_CERTIFICATE_ASSIGNED": "tls: private key type does not match public key type",
    "KEY_VALUES_MISMATCH": "tls: private key does not match public key",
}


def check_key_pair(certificate: bytes, key: bytes) -> None:
    """Look into two PEM files.

    Raises:
        CommandError: they are no pair.
    """
    _check_certificate(_blocks(certificate))
    _check_key(_blocks(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        with as_file("", certificate) as one, as_file("", key) as other:
            context.load_cert_chain(one, other, password="")
    except ssl.SSLError as error:
        # Unlike kubectl: no word on what exactly is wrong inside a block.
        text = _MISMATCHES.get(error.reason or "", "tls: failed to parse private key")
        raise CommandError(text) from None


def _blocks(pem: bytes) -> list[str]:
    return [found.decode() for found in _BLOCK.findall(pem)]


def _check_certificate(blocks: list[str]) -> None:
    if "CERTIFICATE" in blocks:
        return
    if not blocks:
        raise CommandError("tls: failed to find any PEM data in certificate input")
    if len(blocks) == 1 and blocks[0].endswith("PRIVATE KEY"):
        raise CommandError(
            "tls: failed to find certificate PEM data in certificate input, but did find"
            " a private key; PEM inputs may have been switched"
        )
    raise CommandError(
        'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping'
        f" PEM blocks of the following types: [{' '.join(blocks)}]"
    )


def _check_key(blocks: list[str]) -> None:
    if any(block.endswith("PRIVATE KEY") for block in blocks):
        return
    if not blocks:
        raise CommandError("tls: failed to find any PEM data in key input")
    if blocks == ["CERTIFICATE"]:
        raise CommandError(
            "tls: found a certificate rather than a key in the PEM for the private key"
        )
    raise CommandError(
        'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input'
        f" after skipping PEM blocks of the following types: [{' '.join(blocks)}]"
    )
