"""What the handlers share, made once by `app.build`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from apiserver.storage.cacher import Cacher

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apiserver.admission.chain import Admission
    from apiserver.authn.service_account import TokenIssuer
    from apiserver.authn.user import UserInfo
    from apiserver.authz.attributes import Authorizer
    from apiserver.config import Config
    from apiserver.filters.in_flight import InFlight
    from apiserver.handlers.health import HealthChecks
    from apiserver.metrics import Metrics
    from apiserver.resources.objects import Objects
    from apiserver.resources.registry import Registry, Resource
    from apiserver.storage.interface import Store
    from apiserver.streaming.kubelets import Kubelets
    from hops.hops import Hops

__all__ = ["Cachers", "Services", "TokenAuthenticator"]


class TokenAuthenticator(Protocol):
    """Knows some bearer tokens."""

    def authenticate(self, token: str) -> UserInfo | None: ...


class Cachers:
    """One `Cacher` a storage prefix, made when it is first needed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cachers: dict[str, Cacher] = {}

    def of(self, resource: Resource) -> Cacher:
        prefix = resource.storage_prefix
        cacher = self._cachers.get(prefix)
        if cacher is None:
            stored_as = resource.stored_as
            cacher = self._cachers[prefix] = Cacher(
                self._store,
                prefix,
                api_version=stored_as.api_version
                if stored_as
                else resource.group_version,
                kind=resource.kind,
                resource=resource.resource,
            )
        return cacher

    @property
    def watchers(self) -> int:
        """How many watches are open, our own included."""
        return sum(cacher.watchers for cacher in self._cachers.values())

    async def close(self) -> None:
        cachers, self._cachers = self._cachers, {}
        for cacher in cachers.values():
            await cacher.close()


@dataclass(slots=True)
class Services:
    """The parts of one API server."""

    config: Config
    hops: Hops
    registry: Registry
    store: Store
    objects: Objects
    cachers: Cachers
    authorizer: Authorizer
    admission: Admission
    kubelets: Kubelets
    health: HealthChecks
    metrics: Metrics
    reads: InFlight
    writes: InFlight
    clock: Callable[[], float]
    token_authenticators: Sequence[TokenAuthenticator] = ()
    token_issuer: TokenIssuer | None = None
    server_address: str = ""
    """host:port that clients reach us at; known once we listen."""
    long_running: int = field(default=0)
