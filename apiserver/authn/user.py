"""Who asks. Source: kubernetes/apiserver pkg/authentication/user."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ANONYMOUS",
    "CREDENTIAL_ID",
    "SYSTEM_AUTHENTICATED",
    "SYSTEM_MASTERS",
    "UserInfo",
    "service_account_user",
]

SYSTEM_AUTHENTICATED = "system:authenticated"
SYSTEM_UNAUTHENTICATED = "system:unauthenticated"
SYSTEM_MASTERS = "system:masters"
CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


@dataclass(frozen=True, slots=True)
class UserInfo:
    """A name, its groups, and facts about how it was proven."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def authenticated(self) -> UserInfo:
        """The same user, with the group that every proven user is in."""
        if SYSTEM_AUTHENTICATED in self.groups:
            return self
        return replace(self, groups=(*self.groups, SYSTEM_AUTHENTICATED))

    def to_json(self) -> dict[str, Any]:
        """authentication.k8s.io/v1 UserInfo."""
        document: dict[str, Any] = {"username": self.name}
        if self.uid:
            document["uid"] = self.uid
        if self.groups:
            document["groups"] = list(self.groups)
        if self.extra:
            document["extra"] = {k: list(v) for k, v in self.extra.items()}
        return document


ANONYMOUS = UserInfo("system:anonymous", (SYSTEM_UNAUTHENTICATED,))


def service_account_user(
    namespace: str, name: str, uid: str, extra: Mapping[str, tuple[str, ...]]
) -> UserInfo:
    """The user that a ServiceAccount acts as."""
    return UserInfo(
        f"system:serviceaccount:{namespace}:{name}",
        ("system:serviceaccounts", f"system:serviceaccounts:{namespace}"),
        uid,
        extra,
    )
