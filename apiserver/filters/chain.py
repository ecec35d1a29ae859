"""The filters in their order, outermost first.

Source: kubernetes/apiserver pkg/server/config.go, DefaultBuildHandlerChain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.filters.audit import assign_audit_id
from apiserver.filters.authentication import authenticate
from apiserver.filters.authorization import authorize
from apiserver.filters.deadline import limit_time
from apiserver.filters.impersonation import impersonate
from apiserver.filters.in_flight import limit_in_flight
from apiserver.filters.recovery import recover

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from aiohttp import web

    from apiserver.context import Filter, Handler, RequestContext

__all__ = ["DEFAULT_FILTERS", "build_chain"]

# Request info comes before all of these: it is read when the context is made.
DEFAULT_FILTERS: Sequence[Filter] = (
    assign_audit_id,
    recover,
    limit_time,
    authenticate,
    impersonate,
    limit_in_flight,
    authorize,
)


def build_chain(filters: Sequence[Filter], handler: Handler) -> Handler:
    """The handler behind all filters."""
    for wrap in reversed(filters):
        handler = _wrapped(wrap, handler)
    return handler


def _wrapped(wrap: Filter, following: Handler) -> Handler:
    def handle(context: RequestContext) -> Awaitable[web.StreamResponse]:
        return wrap(context, following)

    return handle
