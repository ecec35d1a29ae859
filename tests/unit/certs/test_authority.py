"""The authority's certificates satisfy strict verifiers."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from certs.authority import (
    CA_LIFETIME,
    LEAF_LIFETIME,
    Certificate,
    CertificateAuthority,
    new_key_pair,
)
from certs.profile import Profile, Usage

NOW = 1_800_000_000.0
SERVER = Profile(
    "kube-apiserver", hosts=("localhost", "127.0.0.1", "::1"), usages=(Usage.SERVER,)
)
NODE = Profile("system:node:a", ("system:nodes",), usages=(Usage.CLIENT,))


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority.create("kubernetes", NOW)


def test_the_authority_may_sign_certificates_and_says_so_critically(authority):
    extensions = authority.certificate.x509.extensions

    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)

    assert constraints.critical
    assert constraints.value.ca
    assert usage.critical
    assert usage.value.key_cert_sign


def test_the_authority_lives_ten_years(authority):
    assert authority.certificate.not_after == NOW + CA_LIFETIME


def test_a_leaf_names_its_issuers_key(authority):
    leaf = authority.issue(SERVER, NOW).x509
    own = authority.certificate.x509.extensions.get_extension_for_class(
        x509.SubjectKeyIdentifier
    )

    aki = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)

    assert aki.value.key_identifier == own.value.digest


def test_a_leaf_is_not_an_authority_and_only_signs_digitally(authority):
    extensions = authority.issue(SERVER, NOW).x509.extensions

    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign


@pytest.mark.parametrize("profile", [SERVER, NODE], ids=["server", "client"])
def test_what_is_asked_for_is_read_back(authority, profile):
    assert authority.issue(profile, NOW).profile == profile


def test_addresses_become_ip_names_and_the_rest_dns_names(authority):
    leaf = authority.issue(SERVER, NOW).x509

    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert list(map(str, names.get_values_for_type(x509.IPAddress))) == [
        "127.0.0.1",
        "::1",
    ]


def test_keys_are_p256(authority):
    key = authority.issue(NODE, NOW).x509.public_key()

    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_a_leaf_lives_a_year_and_starts_a_little_early(authority):
    leaf = authority.issue(NODE, NOW)

    assert leaf.not_after == NOW + LEAF_LIFETIME
    assert leaf.x509.not_valid_before_utc.timestamp() == NOW - 300


def test_a_leaf_never_outlives_its_authority(authority):
    late = NOW + CA_LIFETIME - 1000

    assert authority.issue(NODE, late).not_after == authority.certificate.not_after


def test_the_authority_knows_its_own_leafs(authority):
    other = CertificateAuthority.create("kubernetes", NOW)

    assert authority.issued(authority.issue(NODE, NOW))
    assert not authority.issued(other.issue(NODE, NOW))


def test_a_renewed_authority_still_vouches_for_what_it_signed(authority):
    leaf = authority.issue(NODE, NOW)

    renewed = authority.renewed(NOW + 1000)

    assert renewed.issued(leaf)
    assert renewed.certificate.not_after == NOW + 1000 + CA_LIFETIME


def test_serial_numbers_differ(authority):
    first, second = authority.issue(NODE, NOW), authority.issue(NODE, NOW)

    assert first.x509.serial_number != second.x509.serial_number


def test_a_foreign_key_does_not_match(authority):
    first, second = authority.issue(NODE, NOW), authority.issue(NODE, NOW)

    assert first.key_matches()
    assert not Certificate(first.cert_pem, second.key_pem).key_matches()
    assert not Certificate(first.cert_pem, b"nonsense").key_matches()


def test_a_key_pair_is_private_and_public_pem():
    private, public = new_key_pair()

    assert private.startswith(b"-----BEGIN EC PRIVATE KEY-----")
    assert public.startswith(b"-----BEGIN PUBLIC KEY-----")
