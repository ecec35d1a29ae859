"""The query of a request to the kubelet, read as Go reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multidict import MultiDict

from wire.request_target import parse_query, parse_target

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["query_of"]


def query_of(request: web.BaseRequest) -> MultiDict[str]:
    """Names with all their values, in order. Unlike aiohttp's, what Go leaves out is."""
    _, query = parse_target(request.raw_path)
    return MultiDict(parse_query(query))
