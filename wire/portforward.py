"""Port-forward in its three wire forms, server and client side, without I/O.

    A  SPDY streams                 PortForwardServer, PortForwardClient
    B  SPDY inside WebSocket        Tunnelled(session of A, Tunnel(role))
    C  WebSocket channels           PortForwardChannelServer, PortForwardChannelClient

All have the same events and the same methods: `receive_data`, `receive_eof`, `send_data`,
`finish` (half-close, where there is one), `end` and `fail` (server), `open` and `reset`
(client of A and B), `close`, `data_to_send`, `deadline`, `expire`.
"""

from wire.portforward_channels import (
    PORT_FORWARD_SUBPROTOCOLS,
    PortForwardChannelClient,
    PortForwardChannelServer,
)
from wire.portforward_client import PortForwardClient
from wire.portforward_events import (
    PORT_FORWARD_PROTOCOL,
    Closed,
    DataReceived,
    ErrorText,
    ForwardClosed,
    ForwardFailed,
    ForwardOpened,
    HalfClosed,
    PortForwardEvent,
    forwarding_error,
    parse_port,
    parse_ports,
)
from wire.portforward_server import PortForwardServer
from wire.portforward_tunnel import (
    TUNNEL_PREFIX,
    TUNNEL_SUBPROTOCOL,
    Role,
    Tunnel,
    Tunnelled,
    is_tunnel_request,
    tunnelled_protocols,
)

__all__ = [
    "PORT_FORWARD_PROTOCOL",
    "PORT_FORWARD_SUBPROTOCOLS",
    "TUNNEL_PREFIX",
    "TUNNEL_SUBPROTOCOL",
    "Closed",
    "DataReceived",
    "ErrorText",
    "ForwardClosed",
    "ForwardFailed",
    "ForwardOpened",
    "HalfClosed",
    "PortForwardChannelClient",
    "PortForwardChannelServer",
    "PortForwardClient",
    "PortForwardEvent",
    "PortForwardServer",
    "Role",
    "Tunnel",
    "Tunnelled",
    "forwarding_error",
    "is_tunnel_request",
    "parse_port",
    "parse_ports",
    "tunnelled_protocols",
]
