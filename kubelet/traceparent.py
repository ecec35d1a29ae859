"""The session id of the request being served, carried to every call made for it.

A W3C `traceparent` comes in with a request; a context variable takes it to gRPC
metadata and to the streaming URL without passing through every signature.
Source: W3C Trace Context, section 3.2.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from hops.session import TraceParent, bind, new_traceparent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

__all__ = ["HEADER", "carrying", "current", "serving"]

HEADER = "traceparent"

_VALID = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_current: ContextVar[str] = ContextVar("traceparent", default="")


def current() -> str:
    """The id of the request this task works for, "" when there is none."""
    return _current.get()


@contextmanager
def serving(request: web.BaseRequest) -> Iterator[None]:
    """Work for a request; one that names no session gets one, and its connection too."""
    value = request.headers.get(HEADER)
    if TraceParent.parse(value) is None:
        session = new_traceparent()
        bind(request.transport, session)
        value = str(session)
    with carrying(value):
        yield


@contextmanager
def carrying(value: str | None) -> Iterator[None]:
    """Work for this id; one that is malformed is ignored, as the standard says."""
    valid = value if value and _VALID.fullmatch(value) else ""
    token = _current.set(valid)
    try:
        yield
    finally:
        _current.reset(token)
