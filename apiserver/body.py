"""Request bodies: read with a limit, decoded by their Content-Type.

Source: kubernetes/apiserver pkg/endpoints/handlers/rest.go (limitedReadBody) and
pkg/endpoints/handlers/negotiation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status

if TYPE_CHECKING:
    from apiserver.context import RequestContext

__all__ = ["MAX_BODY", "read_body"]

MAX_BODY = 3 * 1024 * 1024


async def read_body(context: RequestContext, limit: int = MAX_BODY) -> bytes:
    """The whole body.

    Never holds more than the limit: a body that says it is longer is not read at
    all, and one that does not say so is dropped when it turns out to be.

    Raises:
        StatusError: 413.
    """
    request = context.request
    if (request.content_length or 0) > limit:
        raise _too_large(context, limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > limit:
            raise _too_large(context, limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(context: RequestContext, limit: int) -> status.StatusError:
    # The rest of the body cannot be skipped in reasonable time: end the connection.
    context.close_connection = True
    return status.request_entity_too_large(limit)
