"""Asking the API server for a stream: over a WebSocket first, over SPDY if it refuses.

Any answer that is no WebSocket handshake leads to SPDY, and the user reads what that
attempt says. No answer at all is final.

Source: kubernetes/client-go tools/remotecommand/fallback.go and websocket.go;
kubernetes/streaming pkg/httpstream (IsUpgradeFailure); remotecommand.md section 10.
"""

from __future__ import annotations

import os
from base64 import b64encode

from hops.blocking.responses import RequestError, Upgraded
from kubectl_cli.client.verbosity import klog
from kubectl_cli.errors import CommandError
from wire.errors import RemoteProtocolError
from wire.websocket_handshake import check_client_handshake, client_handshake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hops.blocking.responses import StreamingResponse
    from kubectl_cli.client.rest import Query, RestClient

__all__ = ["upgrade_to_spdy", "upgrade_to_websocket", "wants_websocket"]

_MAX_BODY = 1024 * 1024  # of a refusal; what is longer is cut


def wants_websocket(variable: str) -> bool:
    """Whether to try a WebSocket at all: unless the environment says `false`."""
    return os.environ.get(variable, "").lower() != "false"


def upgrade_to_websocket(
    client: RestClient, path: str, query: Query, subprotocol: str
) -> Upgraded | None:
    """The connection behind a handshake, None when the server made none.

    Raises:
        RequestError: no answer came.
    """
    key = b64encode(os.urandom(16)).decode()
    answer = client.upgrade(path, query, client_handshake(key, [subprotocol]))
    if not isinstance(answer, Upgraded):
        head = answer.head
        _body(answer)  # read to its end, the connection serves the next attempt
        _tell(client, f"websocket: bad handshake ({head.status} {head.reason})")
        return None
    try:
        check_client_handshake(answer.head, key, [subprotocol])
    except RemoteProtocolError as error:
        answer.connection.close()
        _tell(client, str(error))
        return None
    return answer


def upgrade_to_spdy(
    client: RestClient, path: str, query: Query, protocols: Sequence[str]
) -> tuple[Upgraded, str]:
    """The connection, and the protocol that the server chose: "" when it names none.

    Raises:
        CommandError: the server refuses, or no answer came.
    """
    from wire.spdy_negotiation import check_spdy_answer, spdy_handshake

    headers = spdy_handshake(protocols)
    try:
        answer = client.upgrade(path, query, headers, method="POST")
    except RequestError as error:
        raise CommandError(f"error sending request: {error}") from None
    body = b"" if isinstance(answer, Upgraded) else _body(answer)
    try:
        protocol = check_spdy_answer(answer.head, body)
    except RemoteProtocolError as error:
        if isinstance(answer, Upgraded):
            answer.connection.close()
        raise CommandError(str(error)) from None
    assert isinstance(answer, Upgraded)  # noqa: S101 - another status is refused
    return answer, protocol


def _body(answer: StreamingResponse) -> bytes:
    """The body of a refusal, as far as it comes."""
    body = b""
    with answer:
        try:
            for chunk in answer.chunks():
                body += chunk
                if len(body) >= _MAX_BODY:
                    break
        except RequestError:
            pass
    return body


def _tell(client: RestClient, text: str) -> None:
    if client.log.level >= 4:
        klog("I", "fallback.go:53", f"RemoteCommand fallback: {text}")
