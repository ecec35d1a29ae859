"""Who asks: client certificate, bearer token, or nobody.

Source: kubernetes/kubernetes cmd/kubelet/app/auth.go; kubernetes/apiserver
pkg/authentication/request/{x509,bearertoken,anonymous}.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from hops.clock import monotonic
from hops.serve import peer_certificate
from kube_client.reflector import Trouble
from kube_client.resources import TOKEN_REVIEWS

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aiohttp import web

    from apimachinery.types import JsonObject
    from kube_client.client import KubeClient

__all__ = ["Authenticator", "User", "user_of_certificate"]

_CACHE_SECONDS = 120.0
_CACHE_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class User:
    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: JsonObject = field(default_factory=dict)


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


class Authenticator:
    """Tries the methods in order; the first that knows the caller decides.

    Args:
        client: to ask about tokens; None when that is off.
    """

    def __init__(
        self,
        *,
        anonymous: bool,
        client: KubeClient | None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._anonymous = anonymous
        self._client = client
        self._clock = clock
        self._cache: dict[str, tuple[float, User | None]] = {}

    async def authenticate(self, request: web.Request) -> User | None:
        """The caller, None when nobody vouches for it."""
        certificate = peer_certificate(request)
        if certificate is not None:
            user = user_of_certificate(certificate)
            if user is not None:
                return user
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip() and self._client is not None:
            # A bad token is refused even where anonymous requests are allowed.
            return await self._review(token.strip(), self._client)
        return ANONYMOUS if self._anonymous else None

    async def _review(self, token: str, client: KubeClient) -> User | None:
        now = self._clock()
        known = self._cache.get(token)
        if known is not None and known[0] > now:
            return known[1]
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token},
        }
        try:
            answer = await client.create(TOKEN_REVIEWS, body)
        except (StatusError, *Trouble):
            return None
        user = _reviewed_user(answer.get("status") or {})
        if len(self._cache) >= _CACHE_LIMIT:
            self._cache.clear()
        self._cache[token] = (now + _CACHE_SECONDS, user)
        return user


def user_of_certificate(certificate: dict[str, Any]) -> User | None:
    """CN is the user, every O a group; None without a CN."""
    names: dict[str, list[str]] = {}
    for part in certificate.get("subject", ()):
        for kind, value in part:
            names.setdefault(kind, []).append(value)
    if not names.get("commonName"):
        return None
    groups = (*names.get("organizationName", ()), "system:authenticated")
    return User(names["commonName"][0], groups)


def _reviewed_user(status: JsonObject) -> User | None:
    if not status.get("authenticated"):
        return None
    user = status.get("user") or {}
    groups = tuple(user.get("groups") or ())
    return User(
        user.get("username", ""), groups, user.get("uid", ""), user.get("extra") or {}
    )
