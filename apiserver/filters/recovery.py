"""The top of every request: refusals become Status bodies, bugs become 500.

Source: kubernetes/apiserver pkg/server/filters/wrap.go.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from apimachinery.status import StatusError, failure_status
from apiserver.response import plain_text, status_response
from apiserver.storage.interface import StoreUnavailable

if TYPE_CHECKING:
    from aiohttp import web

    from apiserver.context import Handler, RequestContext

__all__ = ["recover"]

logger = logging.getLogger(__name__)

_PANIC = "This request caused apiserver to panic. Look in the logs for details.\n"


async def recover(context: RequestContext, following: Handler) -> web.StreamResponse:
    try:
        return await following(context)
    except StatusError as refusal:
        return status_response(context, refusal.status)
    except StoreUnavailable as trouble:
        # ErrorToAPIStatus: an error that is no Status is one of 500, without a reason.
        logger.error("the store failed: %s", trouble)
        return status_response(context, failure_status(500, "", str(trouble)))
    except ConnectionError:
        # The client left while we answered: nobody is there to be told.
        raise
    except Exception:
        logger.exception(
            "request failed: audit_id=%s verb=%s path=%s",
            context.audit_id,
            context.info.verb,
            context.info.path,
        )
        return plain_text(500, _PANIC)
