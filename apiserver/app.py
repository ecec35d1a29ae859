"""The API server put together: the only module that knows all the parts."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING

from aiohttp import web

from apimachinery.options import Query
from apiserver.admission.chain import Admission
from apiserver.admission.namespace_lifecycle import NamespaceLifecycle
from apiserver.admission.node_restriction import NodeRestriction
from apiserver.admission.pods import (
    DefaultTolerations,
    PodPriority,
    PodServiceAccount,
)
from apiserver.admission.signing_requests import SigningRequestUser
from apiserver.authn.accounts import FollowedAccounts
from apiserver.authn.service_account import ServiceAccountTokens, TokenIssuer
from apiserver.authn.token_file import TokenFile
from apiserver.authz.bootstrap import node_rules
from apiserver.authz.node import NodeAuthorizer
from apiserver.authz.policy import NodePods, RolePolicy
from apiserver.authz.rbac import RBACAuthorizer
from apiserver.authz.union import AlwaysAllow, AlwaysDeny, SuperuserGroup, Union
from apiserver.bootstrap import ensure_namespaces, ensure_roles_and_classes
from apiserver.context import RequestContext
from apiserver.filters.chain import DEFAULT_FILTERS, build_chain
from apiserver.filters.in_flight import InFlight
from apiserver.filters.request_info import parse_request_info
from apiserver.following import Followed, Following
from apiserver.handlers.dispatch import dispatch
from apiserver.handlers.health import HealthChecks
from apiserver.metrics import Metrics
from apiserver.resources.catalogue import built_in_registry
from apiserver.resources.core import SERVICE_ACCOUNTS
from apiserver.resources.objects import Objects
from apiserver.resources.pods import PODS
from apiserver.response import add_common_headers
from apiserver.services import Cachers, Services, TokenAuthenticator
from apiserver.storage.interface import StoreUnavailable
from apiserver.storage.objects import ObjectStore
from apiserver.streaming.kubelets import Kubelets
from hops.clock import wall
from hops.hop import Hop, format_address
from hops.serve import ServedApplication, serve_application
from hops.tasks import cancel_and_wait, spawn
from hops.tls.contexts import server_context
from wire.request_target import parse_query, parse_target

if TYPE_CHECKING:
    from apiserver.authz.attributes import Authorizer
    from apiserver.config import Config
    from apiserver.resources.registry import Registry
    from apiserver.storage.interface import Store
    from hops.hops import Hops

__all__ = ["ApiServer", "build"]

logger = logging.getLogger(__name__)

# aiohttp calls the preparation of an answer in the task of its request.
_current: ContextVar[RequestContext] = ContextVar("context")
_HEALTH_SECONDS = 2.0
_BOOTSTRAP_SECONDS = 1.0  # between tries, as of kube-apiserver's bootstrap-roles
_LOADED_LATER = (
    *(
        f"apiserver.handlers.{name}"
        for name in ("get", "list", "watch", "create", "patch", "update", "delete")
    ),
    "apiserver.handlers.discovery",
    "apiserver.handlers.connect",
    "apiserver.handlers.log",
    "apimachinery.patch.managed_fields",
    "apimachinery.validation.pods",
)
_RBAC_GROUP = "rbac.authorization.k8s.io"

# kubernetes/apiserver pkg/server/secure_serving.go, ReadHeaderTimeout
_HEAD_TIMEOUT = 32.0


class ApiServer:
    """A server that is started once and closed once."""

    def __init__(self, services: Services, hops: Hops, following: Following) -> None:
        self.services = services
        self._hops = hops
        self._following = following
        self._served: ServedApplication | None = None
        self._bootstrap: asyncio.Task[None] | None = None
        self._compaction: asyncio.Task[None] | None = None
        self._bootstrapped = asyncio.Event()
        self._handle = build_chain(DEFAULT_FILTERS, dispatch)
        services.metrics.gauges["apiserver_longrunning_requests"] = (
            "Sessions and log streams that are open.",
            lambda: services.long_running,
        )
        services.health.checks["etcd"] = self._store_answers
        services.health.ready_only["poststarthook/rbac/bootstrap-roles"] = (
            self._is_bootstrapped
        )
        services.health.ready_only["informer-sync"] = self._is_synced

    @property
    def port(self) -> int:
        if self._served is None:
            raise RuntimeError("not started")
        return self._served.port

    @property
    def url(self) -> str:
        host = self.services.config.bind_address
        return f"https://{format_address((host, self.port))}"

    async def start(self) -> None:
        """Listen; what the store must hold at first is made beside it."""
        config = self.services.config
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.handle)
        application.on_response_prepare.append(_prepare_response)
        if config.tls_cert_file is None or config.tls_private_key_file is None:
            raise ValueError("a serving certificate is needed")
        tls = server_context(
            config.tls_cert_file,
            config.tls_private_key_file,
            client_ca=config.client_ca_file,
        )
        self._served = await serve_application(
            self._hops,
            Hop.KUBECTL_APISERVER,
            application,
            (config.bind_address, config.secure_port),
            tls=tls,
            head_timeout=_HEAD_TIMEOUT,
        )
        self.services.server_address = format_address((config.bind_address, self.port))
        self._following.start()
        self._bootstrap = spawn("bootstrap", self._ensure_first_objects())
        self._compaction = spawn(
            "compaction",
            self.services.store.compact_periodically(config.etcd_compaction_interval),
        )

    async def _ensure_first_objects(self) -> None:
        while True:
            try:
                await ensure_namespaces(self.services)
                await ensure_roles_and_classes(self.services)
                break
            except StoreUnavailable as err:
                logger.error("first objects not made, trying again: %s", err)
                await asyncio.sleep(_BOOTSTRAP_SECONDS)
        self._bootstrapped.set()
        await _warm_up()

    async def ready(self) -> None:
        """Wait until /readyz says ok."""
        await self._bootstrapped.wait()
        await self._following.ready()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request, from its head to its answer."""
        context = self._context(request)
        _current.set(context)
        response = await self._handle(context)
        info = context.info
        self.services.metrics.requests[
            info.verb.upper(),
            info.group,
            info.resource,
            info.subresource,
            str(response.status),
        ] += 1
        return response

    def _context(self, request: web.Request) -> RequestContext:
        path, query_string = parse_target(request.raw_path)
        query = Query(parse_query(query_string))
        info = parse_request_info(request.method, path, query)
        return RequestContext(request, self.services, info, query, wall())

    async def close(self) -> None:
        """Stop listening, end what runs, and release the store."""
        for task in (self._bootstrap, self._compaction):
            if task is not None:
                await cancel_and_wait(task)
        await self._following.close()
        # Watches end with their cachers; then no handler is left to wait for.
        await self.services.cachers.close()
        if self._served is not None:
            await self._served.wait_closed()
        await self.services.kubelets.close()
        await self.services.store.close()

    async def _store_answers(self) -> bool:
        try:
            async with asyncio.timeout(_HEALTH_SECONDS):
                await self.services.store.current_revision()
        except (OSError, TimeoutError, sqlite3.Error):
            return False
        return True

    async def _is_bootstrapped(self) -> bool:
        return self._bootstrapped.is_set()

    async def _is_synced(self) -> bool:
        return self._following.is_ready


async def _warm_up() -> None:
    """Load what was left out to listen sooner, before a request has to wait for it."""
    for name in _LOADED_LATER:
        import_module(name)
        await asyncio.sleep(0)


async def _prepare_response(request: web.Request, response: web.StreamResponse) -> None:
    context = _current.get(None)
    if context is not None:
        add_common_headers(context, response)


def _session_served() -> str:
    """The session of the request that this task works for; "" outside of one."""
    context = _current.get(None)
    return str(context.session) if context is not None else ""


async def build(config: Config, hops: Hops) -> ApiServer:
    """Open the store and put the server together; it does not listen yet."""
    config.check()
    store = await _open_store(config, hops)
    registry = built_in_registry()
    cachers = Cachers(store)
    following = Following(cachers)
    authorizer = _authorizer(config, registry, following)
    services = Services(
        config=config,
        hops=hops,
        registry=registry,
        store=store,
        objects=Objects(ObjectStore(store), event_ttl=config.event_ttl),
        cachers=cachers,
        authorizer=authorizer,
        admission=_admission(config),
        kubelets=Kubelets(
            hops,
            ca=config.kubelet_certificate_authority,
            cert=config.kubelet_client_certificate,
            key=config.kubelet_client_key,
        ),
        health=HealthChecks(),
        metrics=Metrics(),
        reads=InFlight(config.max_requests_inflight),
        writes=InFlight(config.max_mutating_requests_inflight),
        clock=wall,
    )
    _add_token_authenticators(services, following)
    return ApiServer(services, hops, following)


async def _open_store(config: Config, hops: Hops) -> Store:
    match config.storage_backend:
        case "memory":
            from apiserver.storage.memory import MemoryStore

            return MemoryStore()
        case "sqlite":
            from apiserver.storage.sqlite import SqliteStore

            if config.sqlite_path is None:
                raise ValueError("--sqlite-path is required")
            config.sqlite_path.parent.mkdir(parents=True, exist_ok=True)
            return await SqliteStore.open(config.sqlite_path)
        case "etcd3":
            # grpcio costs 20 MB: only where it is needed.
            from apiserver.storage.etcd import EtcdStore
            from apiserver.storage.etcd_channel import EtcdFiles

            files = EtcdFiles(
                config.etcd_cafile, config.etcd_certfile, config.etcd_keyfile
            )
            return await EtcdStore.open(
                hops,
                config.etcd_servers,
                files=files,
                prefix=config.etcd_prefix,
                traceparent=_session_served,
            )
        case backend:
            raise ValueError(f"--storage-backend={backend} is not built in")


def _authorizer(config: Config, registry: Registry, following: Following) -> Authorizer:
    def follow(resource: str) -> Followed:
        found = registry.find(_RBAC_GROUP, "v1", resource)
        if found is None:
            raise ValueError(f"{resource} is not served")
        return following.of(found)

    authorizers: list[Authorizer] = [SuperuserGroup()]
    for mode in config.authorization_mode:
        match mode:
            case "AlwaysAllow":
                authorizers.append(AlwaysAllow())
            case "AlwaysDeny":
                authorizers.append(AlwaysDeny())
            case "Node":
                pods = NodePods(following.of(PODS))
                authorizers.append(NodeAuthorizer(node_rules(), pods))
            case "RBAC":
                policy = RolePolicy(
                    cluster_roles=follow("clusterroles"),
                    cluster_role_bindings=follow("clusterrolebindings"),
                    roles=follow("roles"),
                    role_bindings=follow("rolebindings"),
                )
                authorizers.append(RBACAuthorizer(policy))
    return Union(authorizers)


def _admission(config: Config) -> Admission:
    steps = [
        SigningRequestUser(),
        NamespaceLifecycle(),
        PodServiceAccount(),
        PodPriority(),
        DefaultTolerations(),
    ]
    if "Node" in config.authorization_mode:
        return Admission([*steps, NodeRestriction()])
    return Admission(steps)


def _add_token_authenticators(services: Services, following: Following) -> None:
    config = services.config
    authenticators: list[TokenAuthenticator] = []
    if config.token_auth_file is not None:
        authenticators.append(TokenFile.read(config.token_auth_file))
    signing = config.service_account_signing_key_file
    verifying = config.service_account_key_file or signing
    if verifying is not None:
        accounts = FollowedAccounts(following.of(SERVICE_ACCOUNTS), following.of(PODS))
        authenticators.append(
            ServiceAccountTokens(
                verifying,
                config.service_account_issuer,
                config.audiences,
                accounts,
                services.clock,
            )
        )
    if signing is not None:
        services.token_issuer = TokenIssuer(signing, config.service_account_issuer)
    services.token_authenticators = tuple(authenticators)
