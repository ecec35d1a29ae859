"""JSON Web Tokens signed with ES256 or RS256, as service accounts have them.

Source: RFC 7515 (compact form), RFC 7518 3.1, RFC 7638 (key thumbprints);
kubernetes/kubernetes pkg/serviceaccount/jwt.go for the key id.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )
    from cryptography.hazmat.primitives.asymmetric.rsa import (
        RSAPrivateKey,
        RSAPublicKey,
    )

__all__ = ["InvalidTokenError", "Signer", "Verifier", "claims_of", "read_keys"]

Claims = dict[str, Any]
_P256_BYTES = 32


class InvalidTokenError(ValueError):
    """Not a token, or not one that this key has signed."""


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidTokenError("not base64url") from error


def claims_of(token: str) -> Claims:
    """The claims without any check of the signature.

    Raises:
        InvalidTokenError: not a JSON Web Token.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise InvalidTokenError("expected three parts")
    try:
        claims = json.loads(_decode(parts[1]))
    except ValueError as error:
        raise InvalidTokenError("the claims are not JSON") from error
    if not isinstance(claims, dict):
        raise InvalidTokenError("the claims are not an object")
    return claims


def read_keys(file: Path) -> list[Any]:
    """The public keys of a PEM file that holds public or private keys."""
    from cryptography.hazmat.primitives.serialization import (
        load_pem_private_key,
        load_pem_public_key,
    )

    pem = file.read_bytes()
    if b"PRIVATE KEY" in pem:
        return [load_pem_private_key(pem, None).public_key()]
    marker = b"-----BEGIN PUBLIC KEY-----"
    blocks = [marker + block for block in pem.split(marker)[1:]]
    return [load_pem_public_key(block) for block in blocks]


def _public_numbers(key: EllipticCurvePublicKey | RSAPublicKey) -> Claims:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    if isinstance(key, EllipticCurvePublicKey):
        numbers = key.public_numbers()
        return {
            "kty": "EC",
            "crv": "P-256",
            "x": _encode(numbers.x.to_bytes(_P256_BYTES, "big")),
            "y": _encode(numbers.y.to_bytes(_P256_BYTES, "big")),
        }
    rsa = key.public_numbers()
    modulus = rsa.n.to_bytes((rsa.n.bit_length() + 7) // 8, "big")
    return {"kty": "RSA", "n": _encode(modulus), "e": _encode(rsa.e.to_bytes(3, "big"))}


def _algorithm(key: Any) -> str:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

    elliptic = (EllipticCurvePrivateKey, EllipticCurvePublicKey)
    return "ES256" if isinstance(key, elliptic) else "RS256"


def _key_id(key: Any) -> str:
    """SHA-256 over the public key's DER form."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _encode(hashlib.sha256(der).digest())


class Signer:
    """Signs claims with one private key."""

    def __init__(self, key: EllipticCurvePrivateKey | RSAPrivateKey) -> None:
        self._key = key
        self._header = {"alg": _algorithm(key), "kid": _key_id(key.public_key())}

    @classmethod
    def read(cls, file: Path) -> Signer:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        key: Any = load_pem_private_key(file.read_bytes(), None)
        return cls(key)

    def sign(self, claims: Claims) -> str:
        parts = [_encode(_compact(self._header)), _encode(_compact(claims))]
        message = ".".join(parts).encode()
        return ".".join([*parts, _encode(self._signature(message))])

    def _signature(self, message: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding
        from cryptography.hazmat.primitives.asymmetric.utils import (
            decode_dss_signature,
        )

        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            der = self._key.sign(message, ec.ECDSA(hashes.SHA256()))
            r, s = decode_dss_signature(der)
            return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")
        return self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def _compact(document: Claims) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


class Verifier:
    """Checks signatures with any of several public keys."""

    def __init__(self, keys: list[Any]) -> None:
        self._keys = keys

    @classmethod
    def read(cls, file: Path) -> Verifier:
        return cls(read_keys(file))

    def verify(self, token: str) -> Claims:
        """The claims of a token that one of the keys has signed.

        Raises:
            InvalidTokenError: none has.
        """
        message, _, signature = token.rpartition(".")
        raw = _decode(signature)
        if any(_signed_by(key, message.encode(), raw) for key in self._keys):
            return claims_of(token)
        raise InvalidTokenError("invalid signature")

    def key_set(self) -> Claims:
        """The keys as a JSON Web Key Set."""
        keys = [
            {
                "use": "sig",
                "kid": _key_id(key),
                "alg": _algorithm(key),
                **_public_numbers(key),
            }
            for key in self._keys
        ]
        return {"keys": keys}


def _signed_by(key: Any, message: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            if len(signature) != 2 * _P256_BYTES:
                return False
            r = int.from_bytes(signature[:_P256_BYTES], "big")
            s = int.from_bytes(signature[_P256_BYTES:], "big")
            der = encode_dss_signature(r, s)
            key.verify(der, message, ec.ECDSA(hashes.SHA256()))
        else:
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
