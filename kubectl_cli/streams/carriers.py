"""What carries a session: a WebSocket, or SPDY streams where there is none.

Source: kubernetes/client-go tools/remotecommand (websocket.go, spdy.go, fallback.go);
kubernetes/kubectl pkg/cmd/exec/exec.go for the switch in the environment.
"""

from __future__ import annotations

from hops.blocking.responses import RequestError
from kubectl_cli.errors import CommandError
from kubectl_cli.streams.upgrades import upgrade_to_websocket, wants_websocket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubectl_cli.client.rest import Query, RestClient
    from kubectl_cli.streams.session import Session

__all__ = ["open_session"]

SUBPROTOCOL = "v5.channel.k8s.io"
_SWITCH = "KUBECTL_REMOTE_COMMAND_WEBSOCKETS"


def open_session(
    client: RestClient, path: str, query: Query, streams: dict[str, bool]
) -> Session:
    """Open the streams of an exec or attach request, of which it names those wanted.

    The carrier is a WebSocket; a server that refuses it is asked again over SPDY,
    and its refusal is told in that attempt's words.

    Raises:
        CommandError: the server refuses, in kubectl's words.
    """
    if wants_websocket(_SWITCH):
        session = _over_websocket(client, path, query, streams)
        if session is not None:
            return session
    from kubectl_cli.streams.spdy_sessions import open_spdy_session

    return open_spdy_session(client, path, query, streams)


def _over_websocket(
    client: RestClient, path: str, query: Query, streams: dict[str, bool]
) -> Session | None:
    client.http.meanwhile = _load_session
    try:
        upgraded = upgrade_to_websocket(client, path, query, SUBPROTOCOL)
    except RequestError as error:
        raise CommandError(
            "unexpected EOF" if error.text == "EOF" else error.text
        ) from None
    if upgraded is None:
        return None
    from kubectl_cli.streams.session import Session
    from wire.remotecommand import RemoteCommandClient, StreamOptions

    core = RemoteCommandClient(SUBPROTOCOL, StreamOptions(**streams))
    return Session(upgraded.connection, core, upgraded.leftover)


def _load_session() -> None:
    """While the server thinks about the upgrade: what the session will need."""
    import wire.exit_status  # noqa: F401
