"""Service-account tokens: issued by TokenRequest, accepted as bearer tokens.

Source: kubernetes/kubernetes pkg/serviceaccount/claims.go (claims and their checks).
The cryptography package is loaded with the first token, not at start.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from apimachinery.meta import parse_time
from apiserver.authn.jwt import InvalidTokenError, Signer, Verifier, claims_of
from apiserver.authn.user import CREDENTIAL_ID, UserInfo, service_account_user

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apimachinery.types import JsonObject

__all__ = ["AccountSource", "ServiceAccountTokens", "TokenIssuer", "TokenSubject"]

_LEEWAY = 60.0  # seconds that a bound object may have been going
_PRIVATE = "kubernetes.io"
_EXTRA = "authentication.kubernetes.io"


class AccountSource(Protocol):
    """The objects that a token may be bound to, from memory; None when missing."""

    def service_account(self, namespace: str, name: str) -> JsonObject | None: ...

    def pod(self, namespace: str, name: str) -> JsonObject | None: ...


@dataclass(frozen=True, slots=True)
class TokenSubject:
    """Whom a token is for: an account, maybe bound to an object that uses it."""

    namespace: str
    name: str
    uid: str
    bound: JsonObject | None = None
    """The claim of the bound object: {"pod": {"name": …, "uid": …}}."""


class TokenIssuer:
    """Makes tokens."""

    def __init__(self, key_file: Path, issuer: str) -> None:
        self._key_file = key_file
        self._issuer = issuer

    @cached_property
    def _signer(self) -> Signer:
        return Signer.read(self._key_file)

    def issue(
        self, subject: TokenSubject, audiences: list[str], now: float, lifetime: int
    ) -> str:
        """A token for `lifetime` seconds from `now` on."""
        private: JsonObject = {
            "namespace": subject.namespace,
            "serviceaccount": {"name": subject.name, "uid": subject.uid},
            **(subject.bound or {}),
        }
        return self._signer.sign(
            {
                "aud": audiences,
                "exp": int(now) + lifetime,
                "iat": int(now),
                "iss": self._issuer,
                "jti": str(uuid.uuid4()),
                _PRIVATE: private,
                "nbf": int(now),
                "sub": f"system:serviceaccount:{subject.namespace}:{subject.name}",
            }
        )


class ServiceAccountTokens:
    """Authenticates tokens that our key has signed and whose account still exists."""

    def __init__(
        self,
        key_file: Path,
        issuer: str,
        audiences: tuple[str, ...],
        accounts: AccountSource,
        clock: Callable[[], float],
    ) -> None:
        self._key_file = key_file
        self._issuer = issuer
        self._audiences = audiences
        self._accounts = accounts
        self._clock = clock

    @cached_property
    def verifier(self) -> Verifier:
        return Verifier.read(self._key_file)

    def authenticate(self, token: str) -> UserInfo | None:
        try:
            # Another authenticator's token is no business of ours: look before
            # loading any cryptography.
            if claims_of(token).get("iss") != self._issuer:
                return None
            claims = self.verifier.verify(token)
        except InvalidTokenError:
            return None
        return self._user(claims)

    def _user(self, claims: JsonObject) -> UserInfo | None:
        now = self._clock()
        if not _in_time(claims, now) or not self._for_us(claims):
            return None
        private = claims.get(_PRIVATE)
        if not isinstance(private, dict):
            return None
        namespace = str(private.get("namespace") or "")
        account = private.get("serviceaccount") or {}
        name, uid = str(account.get("name") or ""), str(account.get("uid") or "")
        stored = self._accounts.service_account(namespace, name)
        if not _is_same(stored, uid, now):
            return None
        extra = {CREDENTIAL_ID: (f"JTI={claims.get('jti')}",)}
        pod = private.get("pod")
        if isinstance(pod, dict):
            found = self._accounts.pod(namespace, str(pod.get("name")))
            if not _is_same(found, str(pod.get("uid")), now):
                return None
            extra[f"{_EXTRA}/pod-name"] = (str(pod.get("name")),)
            extra[f"{_EXTRA}/pod-uid"] = (str(pod.get("uid")),)
        node = private.get("node")
        if isinstance(node, dict):
            extra[f"{_EXTRA}/node-name"] = (str(node.get("name")),)
            extra[f"{_EXTRA}/node-uid"] = (str(node.get("uid")),)
        return service_account_user(namespace, name, uid, extra)

    def _for_us(self, claims: JsonObject) -> bool:
        audiences = claims.get("aud")
        if isinstance(audiences, str):
            audiences = [audiences]
        return any(audience in self._audiences for audience in audiences or ())


def _in_time(claims: JsonObject, now: float) -> bool:
    expires, begins = claims.get("exp"), claims.get("nbf")
    if not isinstance(expires, int | float) or now > expires:
        return False
    return not isinstance(begins, int | float) or now >= begins


def _is_same(obj: Any, uid: str, now: float) -> bool:
    """The object is there, is the one that was meant, and has not long been going."""
    if obj is None or obj["metadata"].get("uid") != uid:
        return False
    deleted = parse_time(obj["metadata"].get("deletionTimestamp"))
    return deleted is None or now < deleted + _LEEWAY
