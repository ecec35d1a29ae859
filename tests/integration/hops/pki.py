"""Certificates for these tests, made when they run."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_NOW = datetime.datetime.now(datetime.UTC)
_DAY = datetime.timedelta(days=1)


def _name(*parts):
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


@dataclass
class Leaf:
    cert: Path
    key: Path


class Authority:
    """A CA that writes what it makes below a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = _name((NameOID.COMMON_NAME, name))
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.path = folder / f"{name}.pem"
        builder = self._builder(self._name, self._key.public_key(), _NOW + _DAY)
        builder = builder.add_extension(x509.BasicConstraints(True, None), True)
        certificate = builder.sign(self._key, hashes.SHA256())
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject, public_key, until):
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(until - 3 * _DAY)
            .not_valid_after(until)
        )

    def leaf(self, name, *, organization="", hosts=(), until=_NOW + _DAY) -> Leaf:
        key = ec.generate_private_key(ec.SECP256R1())
        parts = [(NameOID.COMMON_NAME, name)]
        if organization:
            parts.append((NameOID.ORGANIZATION_NAME, organization))
        builder = self._builder(_name(*parts), key.public_key(), until)
        names = [_general_name(host) for host in hosts]
        if names:
            alternative = x509.SubjectAlternativeName(names)
            builder = builder.add_extension(alternative, critical=False)
        made = Leaf(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        certificate = builder.sign(self._key, hashes.SHA256())
        made.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return made


def _general_name(host):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
