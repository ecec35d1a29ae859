"""What a certificate is to say: its subject, its hosts and what it may be used for.

Kept apart from `certs.authority` so that a program can declare and compare profiles
without loading the cryptography package, which costs about 50 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

__all__ = ["Profile", "Usage"]


class Usage(StrEnum):
    """Extended key usages (RFC 5280 4.2.1.12) by the names Go and OpenSSL give them."""

    SERVER = "serverAuth"
    CLIENT = "clientAuth"


@dataclass(frozen=True, slots=True)
class Profile:
    """The wanted content of a leaf certificate.

    `hosts` holds DNS names and IP addresses together; the authority tells them apart.
    Go clients look at subject alternative names only, never at the common name.
    """

    common_name: str
    organizations: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    usages: tuple[Usage, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The profile as the facts file keeps it."""
        return {
            "commonName": self.common_name,
            "organizations": list(self.organizations),
            "hosts": list(self.hosts),
            "usages": [usage.value for usage in self.usages],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: the value is not a profile.
        """
        return cls(
            common_name=str(value["commonName"]),
            organizations=tuple(map(str, value["organizations"])),
            hosts=tuple(map(str, value["hosts"])),
            usages=tuple(Usage(usage) for usage in value["usages"]),
        )
