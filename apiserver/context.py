"""One request on its way through the filters to its handler."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from apiserver.authn.user import ANONYMOUS, UserInfo
from hops.session import HEADER, TraceParent, bind, new_traceparent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from apimachinery.options import Query
    from apiserver.filters.request_info import RequestInfo
    from apiserver.resources.registry import Resource, Subresource
    from apiserver.services import Services

__all__ = ["Filter", "Handler", "ObjectHandler", "RequestContext"]


@dataclass(slots=True)
class RequestContext:
    """What the filters learned. `warnings` become Warning headers of the answer."""

    request: web.Request
    services: Services
    info: RequestInfo
    query: Query
    received: float
    """Unix seconds at which the request head was complete."""
    audit_id: str = ""
    user: UserInfo = ANONYMOUS
    warnings: list[str] = field(default_factory=list)
    close_connection: bool = False
    """No other request can follow on this connection."""
    websocket_protocols: list[str] | None = None
    """The subprotocols left after a bearer token was taken out of them."""
    _session: TraceParent | None = None

    @property
    def session(self) -> TraceParent:
        """What ties the hops of the request together: the client's own, or a new one.

        A new one is made when it is asked for first, and its connection learns of it.
        """
        if self._session is None:
            given = TraceParent.parse(self.request.headers.get(HEADER))
            self._session = given or new_traceparent()
            if given is None:
                bind(self.request.transport, self._session)
        return self._session

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


Handler: TypeAlias = "Callable[[RequestContext], Awaitable[web.StreamResponse]]"
Filter: TypeAlias = "Callable[[RequestContext, Handler], Awaitable[web.StreamResponse]]"
ObjectHandler: TypeAlias = (
    "Callable[[RequestContext, Resource, Subresource | None],"
    " Awaitable[web.StreamResponse]]"
)
