"""May the caller do this? Every path of the main port asks.

Source: kubernetes/kubernetes pkg/kubelet/server/{auth,server}.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from hops.clock import monotonic
from kube_client.reflector import Trouble
from kube_client.resources import SUBJECT_ACCESS_REVIEWS
from kubelet.server.answers import write_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kube_client.client import KubeClient
    from kubelet.server.users import Authenticator, User

__all__ = ["AuthorizationError", "Authorizer", "auth_middleware", "subresources"]

_VERBS = {
    "POST": "create",
    "GET": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_ALLOWED_SECONDS, _DENIED_SECONDS = 300.0, 30.0
_CACHE_LIMIT = 1000

# Path -> subresource of nodes. Everything else is proxy.
_OWN = {
    "stats": "stats",
    "metrics": "metrics",
    "logs": "log",
    "checkpoint": "checkpoint",
    "statusz": "statusz",
}
# Since 1.33 (KubeletFineGrainedAuthz) these are tried before proxy.
_FINE_GRAINED = {
    "pods": "pods",
    "runningpods": "pods",
    "healthz": "healthz",
    "configz": "configz",
    "flagz": "configz",
}


def subresources(path: str, minor: int) -> list[str]:
    """The subresources of which one must be allowed, in order."""
    first = path.split("/")[1] if path.startswith("/") else ""
    if first in _OWN:
        return [_OWN[first]]
    if minor >= 33 and first in _FINE_GRAINED:
        return [_FINE_GRAINED[first], "proxy"]
    return ["proxy"]


class AuthorizationError(Exception):
    """The question could not be answered."""


class Authorizer:
    """Asks the API server, and remembers. Without a client everything is allowed."""

    def __init__(
        self,
        node: str,
        client: KubeClient | None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._node = node
        self._client = client
        self._clock = clock
        self._cache: dict[tuple[object, ...], tuple[float, bool]] = {}

    async def allowed(self, user: User, verb: str, subresource: str) -> bool:
        """Whether the user may.

        Raises:
            AuthorizationError
        """
        if self._client is None:
            return True
        key = (user.name, user.groups, user.uid, verb, subresource)
        known = self._cache.get(key)
        now = self._clock()
        if known is not None and known[0] > now:
            return known[1]
        allowed = await self._ask(self._client, user, verb, subresource)
        if len(self._cache) >= _CACHE_LIMIT:
            self._cache.clear()
        ttl = _ALLOWED_SECONDS if allowed else _DENIED_SECONDS
        self._cache[key] = (now + ttl, allowed)
        return allowed

    async def _ask(
        self, client: KubeClient, user: User, verb: str, subresource: str
    ) -> bool:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user.name,
                "groups": list(user.groups),
                "uid": user.uid,
                "extra": user.extra,
                "resourceAttributes": {
                    "verb": verb,
                    "version": "v1",
                    "resource": "nodes",
                    "subresource": subresource,
                    "name": self._node,
                },
            },
        }
        try:
            answer = await client.create(SUBJECT_ACCESS_REVIEWS, review)
        except Trouble as err:
            raise AuthorizationError(str(err)) from err
        return bool((answer.get("status") or {}).get("allowed"))


def auth_middleware(
    authenticator: Authenticator, authorizer: Authorizer, minor: int
) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Refuses with 401 or 403 before any handler sees the request."""

    @web.middleware
    async def authorize(
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        user = await authenticator.authenticate(request)
        if user is None:
            return write_error(401, "Unauthorized")
        verb = _VERBS.get(request.method, "")
        asked = subresources(request.path, minor)
        try:
            for subresource in asked:
                if await authorizer.allowed(user, verb, subresource):
                    return await handler(request)
        except AuthorizationError:
            text = f"Authorization error ({_attributes(user, verb, asked, 31)})"
            return write_error(500, text)
        text = f"Forbidden ({_attributes(user, verb, asked, minor)})"
        return write_error(403, text if minor < 32 else f"{text}\n")

    return authorize


def _attributes(user: User, verb: str, asked: list[str], minor: int) -> str:
    subject = f"user={user.name}, verb={verb}, resource=nodes"
    if minor < 32:
        return f"{subject}, subresource={asked[0]}"
    return f"{subject}, subresource(s)=[{' '.join(asked)}]"
