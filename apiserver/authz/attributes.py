"""What is to be authorized, and the answer.

Source: kubernetes/apiserver pkg/authorization/authorizer/interfaces.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from apiserver.authn.user import UserInfo

__all__ = [
    "Attributes",
    "Authorizer",
    "Decision",
    "NonResourceRule",
    "ResourceRule",
    "Rules",
    "Verdict",
]


@dataclass(frozen=True, slots=True)
class Attributes:
    """One action by one user on one resource or path."""

    user: UserInfo
    verb: str
    namespace: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    is_resource: bool = True
    path: str = ""
    field_selector: str = ""


class Verdict(Enum):
    ALLOW = "allow"
    DENY = "deny"
    NO_OPINION = "no opinion"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with the reason that a refusal or a review shows."""

    verdict: Verdict
    reason: str = ""
    error: str = ""

    @property
    def allowed(self) -> bool:
        return self.verdict is Verdict.ALLOW


NO_OPINION = Decision(Verdict.NO_OPINION)


@dataclass(frozen=True, slots=True)
class ResourceRule:
    verbs: tuple[str, ...]
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NonResourceRule:
    verbs: tuple[str, ...]
    paths: tuple[str, ...]


@dataclass(slots=True)
class Rules:
    """What a user may do in a namespace, as far as it can be listed."""

    resource: list[ResourceRule] = field(default_factory=list)
    non_resource: list[NonResourceRule] = field(default_factory=list)
    incomplete: bool = False
    error: str = ""

    def extend(self, other: Rules) -> None:
        self.resource += other.resource
        self.non_resource += other.non_resource
        self.incomplete = self.incomplete or other.incomplete
        self.error = "; ".join(e for e in (self.error, other.error) if e)


class Authorizer(Protocol):
    """Decides from memory: no authorizer waits for anything."""

    def authorize(self, attributes: Attributes) -> Decision: ...

    def rules_for(self, user: UserInfo, namespace: str) -> Rules: ...
