"""The audit id: the client's own, or a new one, on every answer and log line.

Source: kubernetes/apiserver pkg/endpoints/filters/audit_init.go.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

    from apiserver.context import Handler, RequestContext

__all__ = ["assign_audit_id"]

_MAX_LENGTH = 64


async def assign_audit_id(
    context: RequestContext, following: Handler
) -> web.StreamResponse:
    given = context.request.headers.get("Audit-ID", "")[:_MAX_LENGTH]
    context.audit_id = given or str(uuid.uuid4())
    return await following(context)
