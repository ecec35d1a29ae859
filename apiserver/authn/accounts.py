"""The objects that service-account tokens are bound to, from memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from apiserver.following import Followed

__all__ = ["FollowedAccounts"]


class FollowedAccounts:
    """An `AccountSource` over the objects that the server follows."""

    def __init__(self, accounts: Followed, pods: Followed) -> None:
        self._accounts = accounts
        self._pods = pods

    def service_account(self, namespace: str, name: str) -> JsonObject | None:
        return self._accounts.objects.get(f"{namespace}/{name}")

    def pod(self, namespace: str, name: str) -> JsonObject | None:
        return self._pods.objects.get(f"{namespace}/{name}")
