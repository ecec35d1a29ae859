"""A certificate authority: a key, and the certificates it signs.

The extensions are those that strict verifiers ask for. Python 3.13 verifies with
VERIFY_X509_STRICT: a CA needs critical basicConstraints, keyUsage keyCertSign and a
subject key identifier, a leaf needs an authority key identifier. Go needs subject
alternative names. Source: RFC 5280 4.2.1; kubeadm's lifetimes (CA ten years, leaf one).

This module loads the cryptography package; `certs.pki` imports it only when something
must be made.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.profile import Profile, Usage

__all__ = [
    "CA_LIFETIME",
    "LEAF_LIFETIME",
    "Certificate",
    "CertificateAuthority",
    "new_key_pair",
]

CA_LIFETIME: Final = 10 * 365 * 86400.0
LEAF_LIFETIME: Final = 365 * 86400.0
_CLOCK_SKEW: Final = timedelta(minutes=5)
_USAGE_OIDS: Final = {
    Usage.SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
    Usage.CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH,
}
_USAGES: Final = {oid: usage for usage, oid in _USAGE_OIDS.items()}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its private key, both PEM."""

    cert_pem: bytes
    key_pem: bytes

    @property
    def x509(self) -> x509.Certificate:
        """The certificate, parsed."""
        return x509.load_pem_x509_certificate(self.cert_pem)

    @property
    def not_after(self) -> float:
        """When it expires, in seconds since the epoch."""
        return self.x509.not_valid_after_utc.timestamp()

    @property
    def profile(self) -> Profile:
        """What the certificate says, read back from its fields."""
        return _profile_of(self.x509)

    def key_matches(self) -> bool:
        """Whether the private key belongs to the certificate."""
        try:
            key = _load_key(self.key_pem)
        except ValueError:
            return False
        return key.public_key() == self.x509.public_key()


class CertificateAuthority:
    """A CA certificate with its key, ready to issue."""

    def __init__(self, certificate: Certificate) -> None:
        """Use an existing CA.

        Raises:
            ValueError: the PEM does not parse, or the key is not an EC key.
        """
        self.certificate = certificate
        self._cert = certificate.x509
        self._key = _load_key(certificate.key_pem)

    @classmethod
    def create(cls, common_name: str, now: float) -> Self:
        """Make a new self-signed CA, valid from `now` (epoch seconds)."""
        return cls(_self_sign(common_name, _new_key(), now))

    def renewed(self, now: float) -> Self:
        """The same CA (name and key) with a new lifetime: what it signed stays valid."""
        name = _attribute(self._cert.subject, NameOID.COMMON_NAME)
        return type(self)(_self_sign(name, self._key, now))

    def issue(
        self, profile: Profile, now: float, *, lifetime: float = LEAF_LIFETIME
    ) -> Certificate:
        """Sign a leaf for a new key. It never outlives the CA."""
        key = _new_key()
        start = _moment(now)
        end = min(_moment(now + lifetime), self._cert.not_valid_after_utc)
        builder = _builder(
            _name(profile), self._cert.subject, key.public_key(), start, end
        )
        for extension, critical in self._leaf_extensions(profile):
            builder = builder.add_extension(extension, critical)
        return _signed(builder, self._key, key)

    def issued(self, certificate: Certificate) -> bool:
        """Whether this CA signed the certificate."""
        try:
            certificate.x509.verify_directly_issued_by(self._cert)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def _leaf_extensions(
        self, profile: Profile
    ) -> list[tuple[x509.ExtensionType, bool]]:
        own_ski = self._cert.extensions.get_extension_for_class(
            x509.SubjectKeyIdentifier
        ).value
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_key_usage(digital_signature=True), True),
            (x509.ExtendedKeyUsage(_USAGE_OIDS[u] for u in profile.usages), False),
            (_authority_key(own_ski), False),
        ]
        if profile.hosts:
            names = [_general_name(host) for host in profile.hosts]
            extensions.append((x509.SubjectAlternativeName(names), False))
        return extensions


def new_key_pair() -> tuple[bytes, bytes]:
    """A bare EC key pair (private PEM, public PEM): the service-account signer."""
    key = _new_key()
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return _key_pem(key), public


def _self_sign(
    common_name: str, key: ec.EllipticCurvePrivateKey, now: float
) -> Certificate:
    name = _name(Profile(common_name))
    builder = _builder(
        name, name, key.public_key(), _moment(now), _moment(now + CA_LIFETIME)
    )
    builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    usage = _key_usage(digital_signature=True, key_cert_sign=True, crl_sign=True)
    builder = builder.add_extension(usage, critical=True)
    return _signed(builder, key, key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - _CLOCK_SKEW)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False)
    )


def _signed(
    builder: x509.CertificateBuilder,
    signer: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePrivateKey,
) -> Certificate:
    cert = builder.sign(signer, hashes.SHA256())
    return Certificate(cert.public_bytes(serialization.Encoding.PEM), _key_pem(key))


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _load_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"expected an EC private key, got {type(key).__name__}")
    return key


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    # SEC 1 ("EC PRIVATE KEY"), as kubeadm writes it; every TLS library reads it.
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _name(profile: Profile) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)
        for organization in profile.organizations
    ]
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, profile.common_name))
    return x509.Name(attributes)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _authority_key(ski: x509.SubjectKeyIdentifier) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski)


def _key_usage(
    *,
    digital_signature: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _attribute(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    return str(name.get_attributes_for_oid(oid)[0].value)


def _profile_of(cert: x509.Certificate) -> Profile:
    names = cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    organizations = cert.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return Profile(
        common_name=str(names[0].value) if names else "",
        organizations=tuple(str(attribute.value) for attribute in organizations),
        hosts=_hosts_of(cert),
        usages=_usages_of(cert),
    )


def _hosts_of(cert: x509.Certificate) -> tuple[str, ...]:
    try:
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in names.value)


def _usages_of(cert: x509.Certificate) -> tuple[Usage, ...]:
    try:
        usages = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return ()
    return tuple(_USAGES[oid] for oid in usages.value if oid in _USAGES)
