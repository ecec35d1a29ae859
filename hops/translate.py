"""WebSocket v5 towards a client, SPDY towards a kubelet or a runtime.

API servers do this for kubelets that do not declare ExtendWebSocketsToKubelet, kubelets
for runtimes that do not speak v5. The client has its 101 before anybody is dialled: what
goes wrong afterwards reaches it as a Status on the error channel.

Source: kubernetes/apiserver pkg/util/proxy/{streamtranslator,websocket}.go.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, TypeAlias

from hops.client import UpgradeRefused
from hops.tasks import cancel_and_wait, spawn
from hops.translated_ends import ClientEnd, RuntimeEnd
from wire.errors import ProtocolError, RemoteProtocolError
from wire.exit_status import (
    ExitResult,
    decode,
    decode_text,
    encode,
    internal_error,
    translated,
)
from wire.remotecommand import RemoteCommandServer, StreamOptions
from wire.remotecommand_spdy import SPDY_PROTOCOLS, SpdyRemoteCommandClient
from wire.spdy_negotiation import check_spdy_answer, spdy_handshake
from wire.websocket_handshake import (
    is_websocket_request,
    negotiate,
    offered_subprotocols,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hops.client import Upgraded
    from hops.connection import Connection
    from wire.http1 import Headers, RequestHead
    from wire.websocket_handshake import Negotiated

__all__ = ["V5", "Dial", "asks_for_v5", "negotiate_v5", "translate_session"]

V5 = "v5.channel.k8s.io"

#: Asks for an upgrade with these headers, by POST. Raises what `HttpClient.upgrade` does.
Dial: TypeAlias = "Callable[[Headers], Awaitable[Upgraded]]"

IDLE_TIMEOUT = 4 * 3600.0
_PING_PERIOD = 5.0
# Seconds that a client may take to read its status.
_STATUS_PATIENCE = 10.0

_V1 = "channel.k8s.io"
_V4 = "v4.channel.k8s.io"


def asks_for_v5(headers: Headers) -> bool:
    """Whether a request is a WebSocket that would have to be translated.

    Only the first Sec-WebSocket-Protocol line counts.
    """
    return is_websocket_request(headers) and V5 in offered_subprotocols(headers)


def negotiate_v5(head: RequestHead) -> Negotiated:
    """Answer the handshake: v5, whatever else is offered before it.

    Raises:
        HandshakeRefused: with the bytes to answer.
    """
    return negotiate(head, (V5,))


async def translate_session(
    connection: Connection,
    negotiated: Negotiated,
    options: StreamOptions,
    dial: Dial,
    url: str,
    *,
    idle_timeout: float = IDLE_TIMEOUT,
    passes_status_on: bool = False,
) -> None:
    """Serve one exec or attach, and close the connection.

    Args:
        connection: the client's; the 101 has not been written yet.
        dial: makes the connection to the other side.
        url: of the other side, for texts.
        passes_status_on: up to Kubernetes 1.35 a Status with which the other side refuses
            is handed to the client as it is; since then only its message.
    """
    client = ClientEnd(connection, RemoteCommandServer(V5, options), idle_timeout)
    connection.write(negotiated.response)
    client.core.start()
    client.flush()
    client.take_over()
    try:
        status = await _outcome(client, options, _Upstream(dial, url, passes_status_on))
        if not client.left.is_set():
            await _finish(client, status)
    finally:
        client.stop()
        client.core.close()
        client.flush()
        connection.close()
    await connection.wait_closed()


class _Upstream:
    """The other side, and how its refusals read."""

    def __init__(self, dial: Dial, url: str, passes_status_on: bool) -> None:
        self._dial = dial
        self._url = url
        self._passes_status_on = passes_status_on

    async def connect(self) -> Upgraded | bytes:
        """The connection, or the Status that the client gets instead."""
        try:
            # "v5" too, as client-go does, though nobody speaks it on SPDY.
            return await self._dial(spdy_handshake((V5, *SPDY_PROTOCOLS)))
        except UpgradeRefused as refusal:
            return self._refused(refusal)
        except (OSError, ProtocolError) as error:
            text = f'error sending request: Post "{self._url}": {error}'
            return encode(internal_error(text), "metav1")

    def _refused(self, refusal: UpgradeRefused) -> bytes:
        body = refusal.body.strip()
        if self._passes_status_on and b'"kind":"Status"' in body:
            return body
        try:
            check_spdy_answer(refusal.head, refusal.body)
        except RemoteProtocolError as error:
            return encode(internal_error(str(error)), "metav1")
        raise ValueError("an answer with 101 is no refusal")


async def _outcome(
    client: ClientEnd, options: StreamOptions, upstream: _Upstream
) -> bytes:
    """Run the session; the Status at its end, b"" when the client has left."""
    dialling = spawn("dial for translation", upstream.connect())
    leaving = spawn("client of translation", client.left.wait())
    try:
        await asyncio.wait({dialling, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not dialling.done():
            return b""
        upgraded = dialling.result()
        if isinstance(upgraded, bytes):
            return upgraded
        return await _run(client, options, upgraded, leaving)
    finally:
        await cancel_and_wait(dialling, leaving)


async def _run(
    client: ClientEnd,
    options: StreamOptions,
    upgraded: Upgraded,
    leaving: asyncio.Task[bool],
) -> bytes:
    # A server that names no version speaks the first.
    protocol = check_spdy_answer(upgraded.head) or _V1
    if protocol not in SPDY_PROTOCOLS:
        upgraded.connection.close()
        text = f"unable to upgrade connection: unknown protocol {protocol}"
        return encode(internal_error(text), "metav1")
    core = SpdyRemoteCommandClient(
        protocol,
        options,
        now=asyncio.get_running_loop().time(),
        ping_period=_PING_PERIOD,
    )
    runtime = RuntimeEnd(upgraded.connection, core, client)
    try:
        if not client.writable.is_set():
            runtime.holds.hold(client)
        runtime.start()
        client.join(runtime)
        ends: set[asyncio.Future[Any]] = {runtime.closed, leaving}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not runtime.closed.done():
            return b""
        closed = runtime.closed.result()
        result = _result(protocol, bytes(runtime.status), closed.code, closed.reason)
        return encode(translated(result), "metav1")
    finally:
        runtime.stop()


def _result(protocol: str, status: bytes, code: int, reason: str) -> ExitResult:
    """What the error stream said.

    Unlike client-go, for which a connection that ends in silence means exit code 0
    (kubernetes/kubernetes issue 73056): v4 always sends a status.
    """
    if code != 1000 or (protocol == _V4 and not status):
        return ExitResult(
            1, f"error reading from error stream: {reason or 'unexpected EOF'}", False
        )
    if protocol == _V4:
        return decode(status)
    return decode_text(status, versioned=protocol != _V1)


async def _finish(client: ClientEnd, status: bytes) -> None:
    """The status comes last, and a client has a while to read it."""
    await client.writable.wait()
    client.core.send_status(status)
    client.core.close()
    client.flush()
    client.connection.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_STATUS_PATIENCE):
            await client.connection.wait_closed()
            return
    client.connection.abort()
