"""How many ordinary requests are served at a time, reads and writes apart.

Source: kubernetes/apiserver pkg/server/filters/maxinflight.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.authn.user import SYSTEM_MASTERS
from apiserver.response import plain_text

if TYPE_CHECKING:
    from aiohttp import web

    from apiserver.context import Handler, RequestContext

__all__ = ["InFlight", "limit_in_flight"]

_READ_VERBS = frozenset({"get", "list", "watch"})


class InFlight:
    """The seats of one kind of request; zero means as many as come."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0

    @property
    def full(self) -> bool:
        return 0 < self.limit <= self.taken


async def limit_in_flight(
    context: RequestContext, following: Handler
) -> web.StreamResponse:
    if context.info.is_long_running:
        return await following(context)
    reads = context.info.verb in _READ_VERBS
    seats = context.services.reads if reads else context.services.writes
    # "system:masters" is never turned away, so that an overload can be ended.
    if seats.full and SYSTEM_MASTERS not in context.user.groups:
        return plain_text(
            429,
            "Too many requests, please try again later.\n",
            headers={"Retry-After": "1"},
        )
    seats.taken += 1
    try:
        return await following(context)
    finally:
        seats.taken -= 1
