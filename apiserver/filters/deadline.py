"""Ordinary requests end after a time; long-running ones do not.

Source: kubernetes/apiserver pkg/endpoints/filters/request_deadline.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.go_duration import InvalidDurationError, parse_duration
from hops.clock import answer_timeout

if TYPE_CHECKING:
    from aiohttp import web

    from apiserver.context import Handler, RequestContext

__all__ = ["limit_time"]


async def limit_time(context: RequestContext, following: Handler) -> web.StreamResponse:
    if context.info.is_long_running:
        return await following(context)
    seconds = _allowed_seconds(context)
    try:
        async with answer_timeout(seconds) as limit:
            return await following(context)
    except TimeoutError:
        if not limit.expired():
            raise
        raise status.timeout() from None


def _allowed_seconds(context: RequestContext) -> float:
    """`?timeout=` may shorten what the server allows, never lengthen it."""
    allowed = context.services.config.request_timeout
    given = context.query.get("timeout")
    if not given:
        return allowed
    try:
        asked = parse_duration(given)
    except InvalidDurationError as error:
        raise status.bad_request(
            f"invalid timeout specified in the request URL - {error}"
        ) from None
    return min(asked, allowed) if asked > 0 else allowed
