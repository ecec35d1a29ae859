"""Passing an upgraded connection through to the kubelet, bytes unchanged.

The request goes on with all its headers, the kubelet's answer comes back as it is,
and behind a 101 both directions are copied raw.

Source: kubernetes/apimachinery pkg/util/proxy/upgradeaware.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from hops.client import UpgradeRefused
from hops.raw_answers import replay_refusal
from hops.serve import take_over
from hops.session import HEADER, TraceParent
from hops.splice import splice
from wire.errors import ProtocolError
from wire.http1 import encode_response_head

if TYPE_CHECKING:
    from aiohttp import web

    from apiserver.context import RequestContext
    from hops.client import HttpClient, Upgraded
    from wire.http1 import Headers, ResponseHead

__all__ = ["dial", "forwarded_headers", "is_upgrade", "pass_through"]

# Consumed by us, or about this connection only.
_NOT_FORWARDED = frozenset({"authorization", "content-length", "transfer-encoding"})
_IMPERSONATION = "impersonate-"


def is_upgrade(request: web.BaseRequest) -> bool:
    """Whether a Connection header has the word "upgrade" in it, in any case."""
    lines = request.headers.getall("Connection", [])
    return any("upgrade" in line.lower() for line in lines)


async def pass_through(
    context: RequestContext, client: HttpClient, target: str
) -> web.StreamResponse:
    """Serve one upgraded session over the kubelet.

    Raises:
        StatusError: 400 not an upgrade, 500 the kubelet cannot be reached.
    """
    request = context.request
    if not is_upgrade(request):
        raise status.bad_request("Upgrade request required")
    upgraded = await dial(client, request.method, target, forwarded_headers(context))
    if isinstance(upgraded, UpgradeRefused):
        return await replay_refusal(request, upgraded)
    try:
        connection = await take_over(request)
    except BaseException:
        upgraded.connection.abort()
        raise
    connection.write(_head_bytes(upgraded.head))
    await splice(connection, upgraded.connection)
    return connection.response


async def dial(
    client: HttpClient, method: str, target: str, headers: Headers
) -> Upgraded | UpgradeRefused:
    """Ask the kubelet for an upgrade; a refusal by it is an answer like any other.

    Raises:
        StatusError: 500, it cannot be reached.
    """
    try:
        return await client.upgrade(method, target, headers)
    except UpgradeRefused as refused:
        if refused.head.status < 400:
            raise _server_error(
                f"invalid upgrade response: status code {refused.head.status}"
            ) from None
        return refused
    except (OSError, ProtocolError) as error:
        raise _server_error(f"error dialing backend: {error}") from None


def _server_error(text: str) -> status.StatusError:
    """What becomes of a Go error that is no Status: 500 without a reason."""
    return status.StatusError(status.failure_status(500, "", text))


def forwarded_headers(context: RequestContext) -> Headers:
    """The client's headers as the kubelet gets them.

    The bearer token was spent on us, impersonation too. `traceparent` ties the hops of
    a session together; one is made when the client sent none.
    """
    request = context.request
    headers = [
        (name, value)
        for name, value in request.headers.items()
        if name.lower() not in _NOT_FORWARDED
        and not name.lower().startswith(_IMPERSONATION)
    ]
    if context.websocket_protocols is not None:
        headers = _with_protocols(headers, context.websocket_protocols)
    headers = _with_client_address(headers, request.remote or "")
    if TraceParent.parse(request.headers.get(HEADER)) is None:
        headers = [(k, v) for k, v in headers if k.lower() != HEADER]
        headers.append((HEADER, str(context.session)))
    return headers


def _with_protocols(headers: Headers, protocols: list[str]) -> Headers:
    """The subprotocols without the token, folded into one line."""
    name = "Sec-WebSocket-Protocol"
    kept = [(k, v) for k, v in headers if k.lower() != name.lower()]
    return [*kept, (name, ",".join(protocols))]


def _with_client_address(headers: Headers, address: str) -> Headers:
    name = "X-Forwarded-For"
    earlier = [v for k, v in headers if k.lower() == name.lower()]
    kept = [(k, v) for k, v in headers if k.lower() != name.lower()]
    return [*kept, (name, ", ".join([*earlier, address]))] if address else headers


def _head_bytes(head: ResponseHead) -> bytes:
    """The head as it came, byte for byte."""
    return head.raw or encode_response_head(head)
