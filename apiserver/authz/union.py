"""Authorizers asked in order; the first with an opinion decides.

Source: kubernetes/apiserver pkg/authorization/union/union.go and
pkg/authorization/authorizerfactory/builtin.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.authn.user import SYSTEM_MASTERS, UserInfo
from apiserver.authz.attributes import (
    Attributes,
    Authorizer,
    Decision,
    NonResourceRule,
    ResourceRule,
    Rules,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AlwaysAllow", "AlwaysDeny", "SuperuserGroup", "Union"]


class Union:
    def __init__(self, authorizers: Sequence[Authorizer]) -> None:
        self._authorizers = tuple(authorizers)

    def authorize(self, attributes: Attributes) -> Decision:
        reasons, errors = [], []
        for authorizer in self._authorizers:
            decision = authorizer.authorize(attributes)
            if decision.verdict is not Verdict.NO_OPINION:
                return decision
            reasons += [decision.reason] if decision.reason else []
            errors += [decision.error] if decision.error else []
        return Decision(Verdict.NO_OPINION, "\n".join(reasons), "; ".join(errors))

    def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        rules = Rules()
        for authorizer in self._authorizers:
            rules.extend(authorizer.rules_for(user, namespace))
        return rules


_EVERYTHING = Rules(
    [ResourceRule(("*",), ("*",), ("*",))], [NonResourceRule(("*",), ("*",))]
)


def _everything() -> Rules:
    return Rules(list(_EVERYTHING.resource), list(_EVERYTHING.non_resource))


class AlwaysAllow:
    def authorize(self, attributes: Attributes) -> Decision:
        return Decision(Verdict.ALLOW)

    def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        return _everything()


class AlwaysDeny:
    def authorize(self, attributes: Attributes) -> Decision:
        return Decision(Verdict.NO_OPINION, "Everything is forbidden.")

    def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        return Rules()


class SuperuserGroup:
    """system:masters may do everything, also while no role exists yet."""

    def __init__(self, group: str = SYSTEM_MASTERS) -> None:
        self._group = group

    def authorize(self, attributes: Attributes) -> Decision:
        if self._group in attributes.user.groups:
            return Decision(Verdict.ALLOW)
        return Decision(Verdict.NO_OPINION)

    def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        return _everything() if self._group in user.groups else Rules()
