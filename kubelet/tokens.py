"""Service-account tokens bound to a pod, renewed before they expire.

Source: kubernetes/kubernetes pkg/kubelet/token/token_manager.go: a token is renewed
when 80 % of its life, or 24 hours, have passed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.meta import parse_time
from apimachinery.status import StatusError
from hops.clock import wall
from kube_client.resources import SERVICE_ACCOUNTS
from kubelet import pod as pods

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from kube_client.client import KubeClient

__all__ = ["TokenManager"]

logger = logging.getLogger(__name__)

_MAX_AGE = 24 * 3600.0
_LIFE_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    renew_at: float


class TokenManager:
    """Tokens by pod, audience and lifetime."""

    def __init__(self, client: KubeClient, clock: Callable[[], float] = wall) -> None:
        self._client = client
        self._clock = clock
        self._tokens: dict[tuple[str, str, int], _Token] = {}

    async def token(self, pod: JsonObject, projection: JsonObject) -> str | None:
        """A valid token; None when the API server issues none at all.

        Raises:
            StatusError and others: it refused, or cannot be reached.
        """
        audience = projection.get("audience", "")
        seconds = int(projection.get("expirationSeconds") or 3600)
        key = (pods.uid(pod), audience, seconds)
        known = self._tokens.get(key)
        now = self._clock()
        if known is not None and now < known.renew_at:
            return known.text
        status = await self._request(pod, audience, seconds)
        if status is None:
            return None
        expires = parse_time(status.get("expirationTimestamp")) or now + seconds
        life = min((expires - now) * _LIFE_SHARE, _MAX_AGE)
        self._tokens[key] = _Token(status["token"], now + life)
        return str(status["token"])

    def forget(self, pod_uid: str) -> None:
        for key in [key for key in self._tokens if key[0] == pod_uid]:
            del self._tokens[key]

    async def _request(
        self, pod: JsonObject, audience: str, seconds: int
    ) -> JsonObject | None:
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": [audience] if audience else [],
                "expirationSeconds": seconds,
                "boundObjectRef": {
                    "kind": "Pod",
                    "apiVersion": "v1",
                    "name": pods.name(pod),
                    "uid": pods.uid(pod),
                },
            },
        }
        try:
            answer = await self._client.create(
                SERVICE_ACCOUNTS,
                body,
                namespace=pods.namespace(pod),
                name=pod["spec"].get("serviceAccountName") or "default",
                subresource="token",
            )
        except StatusError as err:
            if _is_unknown_path(err):
                logger.info("API server issues no tokens", extra={"error": err.message})
                return None
            raise
        status: JsonObject = answer["status"]
        return status


def _is_unknown_path(err: StatusError) -> bool:
    """The server knows no such resource, unlike "no such service account"."""
    named = err.details.get("name") if err.details else None
    return err.code in (404, 405) and not named
