"""What carries a session: a WebSocket, asked for by an upgrade.

Source: kubernetes/client-go tools/remotecommand (websocket.go, fallback.go).
"""

from __future__ import annotations

import os
from base64 import b64encode

from hops.blocking import RequestError, Upgraded
from kubectl_cli.errors import CommandError
from wire.errors import RemoteProtocolError
from wire.websocket_handshake import check_client_handshake, client_handshake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubectl_cli.rest import Query, RestClient
    from kubectl_cli.session import Session

__all__ = ["open_session"]

SUBPROTOCOL = "v5.channel.k8s.io"


def open_session(
    client: RestClient, path: str, query: Query, streams: dict[str, bool]
) -> Session:
    """Open the streams of an exec or attach request, of which it names those wanted.

    The carrier is a WebSocket; a server that refuses it is asked again over SPDY
    where there is that carrier, and its refusal is told in that attempt's words.

    Raises:
        CommandError: the server refuses, in kubectl's words.
    """
    key = b64encode(os.urandom(16)).decode()
    client.http.meanwhile = _load_session
    try:
        answer = client.upgrade(path, query, client_handshake(key, [SUBPROTOCOL]))
    except RequestError as error:
        raise CommandError(
            "unexpected EOF" if error.text == "EOF" else error.text
        ) from None
    if not isinstance(answer, Upgraded):
        with answer:
            raise _refused(b"".join(answer.chunks()))
    try:
        check_client_handshake(answer.head, key, [SUBPROTOCOL])
    except RemoteProtocolError as error:
        answer.connection.close()
        raise CommandError(f"unable to upgrade connection: {error}") from None
    from kubectl_cli.session import Session
    from wire.remotecommand import RemoteCommandClient, StreamOptions

    core = RemoteCommandClient(SUBPROTOCOL, StreamOptions(**streams))
    return Session(answer.connection, core, answer.leftover)


def _load_session() -> None:
    """While the server thinks about the upgrade: what the session will need."""
    import wire.exit_status  # noqa: F401


def _refused(body: bytes) -> CommandError:
    """Source: kubernetes/streaming pkg/httpstream/spdy/roundtripper.go of 1.36."""
    import json

    text = body.decode("utf-8", "replace").strip()
    try:
        status = json.loads(body)
    except ValueError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        text = str(status.get("message") or "")
    return CommandError(
        f"unable to upgrade connection: {text or 'empty server response'}"
    )
