"""Certificates and keys for `create secret tls`."""

from __future__ import annotations

import pytest

from certs.authority import CertificateAuthority
from kubectl_cli.documents.key_pairs import check_key_pair
from kubectl_cli.errors import CommandError


@pytest.fixture(scope="module")
def pem() -> dict[str, bytes]:
    files = {"other": b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n" * 2}
    for name in ("one", "two"):
        pair = CertificateAuthority.create(name, 0.0).certificate
        files |= {f"{name}.crt": pair.cert_pem, f"{name}.key": pair.key_pem}
    return files


def test_a_certificate_and_its_key_are_a_pair(pem: dict[str, bytes]) -> None:
    check_key_pair(pem["one.crt"], pem["one.key"])


@pytest.mark.parametrize(
    ("certificate", "key", "text"),
    [
        ("one.crt", "two.key", "tls: private key does not match public key"),
        (
            "one.key",
            "one.key",
            "tls: failed to find certificate PEM data in certificate input, but did find"
            " a private key; PEM inputs may have been switched",
        ),
        (
            "one.crt",
            "one.crt",
            "tls: found a certificate rather than a key in the PEM for the private key",
        ),
        (
            "other",
            "one.key",
            'tls: failed to find "CERTIFICATE" PEM block in certificate input after'
            " skipping PEM blocks of the following types: [PUBLIC KEY PUBLIC KEY]",
        ),
        (
            "one.crt",
            "other",
            'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input'
            " after skipping PEM blocks of the following types: [PUBLIC KEY PUBLIC KEY]",
        ),
    ],
)
def test_what_is_no_pair_is_told_in_the_words_of_go(
    pem: dict[str, bytes], certificate: str, key: str, text: str
) -> None:
    with pytest.raises(CommandError) as caught:
        check_key_pair(pem[certificate], pem[key])

    assert str(caught.value) == text
