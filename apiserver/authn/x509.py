"""Client certificates: the common name is the user, the organizations its groups.

TLS has already verified the chain, the dates and the clientAuth usage.
Source: kubernetes/apiserver pkg/authentication/request/x509/x509.go.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from apiserver.authn.user import CREDENTIAL_ID, UserInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["user_of_certificate"]


def user_of_certificate(
    certificate: Mapping[str, Any], der: bytes | None
) -> UserInfo | None:
    """The user a verified certificate names; None when it has no common name.

    Args:
        certificate: what `ssl.SSLSocket.getpeercert()` returns.
        der: the same certificate as bytes, for the credential id.
    """
    attributes = [
        attribute
        for name in certificate.get("subject", ())
        for attribute in name  # a relative name may hold several attributes
    ]
    common_name = next((v for k, v in attributes if k == "commonName"), "")
    if not common_name:
        return None
    groups = tuple(v for k, v in attributes if k == "organizationName")
    extra = {}
    if der is not None:
        extra[CREDENTIAL_ID] = (f"X509SHA256={hashlib.sha256(der).hexdigest()}",)
    return UserInfo(common_name, groups, extra=extra)
