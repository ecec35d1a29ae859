"""Answers that are written as bytes, below aiohttp, and end the connection.

Source: kubernetes/apimachinery pkg/util/proxy/upgradeaware.go: a refusal by the other side
is written anew on the hijacked connection, with the same status, headers and body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hops.serve import take_over
from wire.http1 import Headers, ResponseHead, encode_response_head

if TYPE_CHECKING:
    from aiohttp import web

    from hops.responses import UpgradeRefused

__all__ = ["answer_raw", "replay_refusal"]

_OF_THIS_CONNECTION = ("content-length", "transfer-encoding", "connection")


async def answer_raw(request: web.BaseRequest, answer: bytes) -> web.StreamResponse:
    """Write a whole answer and close the connection; the handler returns the result."""
    connection = await take_over(request)
    connection.write(answer)
    connection.close()
    await connection.wait_closed()
    return connection.response


async def replay_refusal(
    request: web.BaseRequest, refused: UpgradeRefused
) -> web.StreamResponse:
    """Give a refusal by the other side to the client; the length comes first, as in Go."""
    head = refused.head
    headers: Headers = [("Content-Length", str(len(refused.body)))]
    headers += [
        (name, value)
        for name, value in head.headers
        if name.lower() not in _OF_THIS_CONNECTION
    ]
    headers.append(("Connection", "close"))
    answer = ResponseHead(head.status, head.reason, headers)
    return await answer_raw(request, encode_response_head(answer) + refused.body)
