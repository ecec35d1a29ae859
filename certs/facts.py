"""What is known of the certificates on disk, without parsing any.

`facts.json` lies beside the certificates and holds, for each, the digest of the file,
its profile, its issuer and when it expires. It is a cache: a missing, old or foreign
one is made anew from the certificates themselves.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certs.files import PUBLIC, write_atomically
from certs.profile import Profile

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CertificateFacts", "digest", "read_facts", "write_facts"]

_FILE_NAME = "facts.json"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """One certificate: what it says, who signed it, and when it ends.

    `issuer` is the digest of the CA certificate's file, `not_after` epoch seconds.
    """

    digest: str
    issuer: str
    profile: Profile
    not_after: float


def digest(content: bytes) -> str:
    """The name by which facts know a file's content."""
    return hashlib.sha256(content).hexdigest()


def read_facts(directory: Path) -> dict[str, CertificateFacts]:
    """The facts by certificate name; empty when there are none that can be read."""
    try:
        document = json.loads((directory / _FILE_NAME).read_bytes())
        if document["version"] != _VERSION:
            return {}
        return {
            name: CertificateFacts(
                digest=str(entry["digest"]),
                issuer=str(entry["issuer"]),
                profile=Profile.from_json(entry["profile"]),
                not_after=float(entry["notAfter"]),
            )
            for name, entry in document["certificates"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_facts(directory: Path, facts: dict[str, CertificateFacts]) -> None:
    """Write the facts beside the certificates."""
    entries = {
        name: {
            "digest": fact.digest,
            "issuer": fact.issuer,
            "profile": fact.profile.to_json(),
            "notAfter": fact.not_after,
        }
        for name, fact in sorted(facts.items())
    }
    document = {"version": _VERSION, "certificates": entries}
    content = json.dumps(document, indent=1).encode()
    write_atomically(directory / _FILE_NAME, content, mode=PUBLIC)
