"""What carries forwarded ports: SPDY in a WebSocket, or SPDY by itself.

Source: kubernetes/client-go tools/portforward (tunneling_dialer.go,
fallback_dialer.go); kubernetes/kubectl pkg/cmd/portforward/portforward.go.
"""

from __future__ import annotations

import time

from hops.blocking.responses import RequestError
from kubectl_cli.errors import CommandError
from kubectl_cli.streams.upgrades import (
    upgrade_to_spdy,
    upgrade_to_websocket,
    wants_websocket,
)
from wire.portforward import (
    PORT_FORWARD_PROTOCOL,
    TUNNEL_SUBPROTOCOL,
    PortForwardClient,
    Role,
    Tunnel,
    Tunnelled,
)
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hops.blocking.responses import Upgraded
    from kubectl_cli.client.rest import RestClient

__all__ = ["ForwardCarrier", "open_forwarding"]

_SWITCH = "KUBECTL_PORT_FORWARD_WEBSOCKETS"
_SPDY_PING = 5.0
_TUNNEL_PING = 10.0


@dataclass(frozen=True, slots=True)
class ForwardCarrier:
    """A connection, the core that moves its bytes, and the session inside the core."""

    upgraded: Upgraded
    core: PortForwardClient | Tunnelled[PortForwardClient]
    session: PortForwardClient


def open_forwarding(client: RestClient, path: str) -> ForwardCarrier:
    """Ask for a connection to the ports of a pod.

    Raises:
        CommandError: the server refuses, in kubectl's words.
    """
    try:
        upgraded = None
        if wants_websocket(_SWITCH):
            upgraded = upgrade_to_websocket(client, path, [], TUNNEL_SUBPROTOCOL)
        if upgraded is not None:
            session = PortForwardClient(now=time.monotonic(), ping_period=_TUNNEL_PING)
            core = Tunnelled(session, Tunnel(Role.CLIENT))
            return ForwardCarrier(upgraded, core, session)
        return _over_spdy(client, path)
    except (CommandError, RequestError) as error:
        text = error.text if isinstance(error, RequestError) else str(error)
        raise CommandError(f"error upgrading connection: {text}") from None


def _over_spdy(client: RestClient, path: str) -> ForwardCarrier:
    upgraded, protocol = upgrade_to_spdy(client, path, [], [PORT_FORWARD_PROTOCOL])
    if protocol != PORT_FORWARD_PROTOCOL:
        upgraded.connection.close()
        raise CommandError(
            "unable to negotiate protocol: client supports"
            f' "{PORT_FORWARD_PROTOCOL}", server returned "{protocol}"'
        )
    session = PortForwardClient(now=time.monotonic(), ping_period=_SPDY_PING)
    return ForwardCarrier(upgraded, session, session)
