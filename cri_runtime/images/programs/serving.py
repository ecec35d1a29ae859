"""What the catalogue's own servers share: where to listen, and how to end.

Run as `python -I -S`, standard library only, so that a pod is ready some 20 ms after its
start; `selectors`, `http.server` and asyncio would double that.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Connection(Protocol):
        """What serves one client."""

        def wants(self) -> int:
            """The poll events it waits for; 0: it is done."""

        def ready(self, events: int) -> None:
            """Some of them have come."""

    MakeConnection = Callable[[socket.socket, tuple[str, int]], Connection]
    Serving = dict[int, tuple[socket.socket, Connection]]

__all__ = ["bind", "listen", "serve"]


def wanted_ports() -> list[int]:
    """The ports that the pod declares, or the image."""
    declared = json.loads(os.environ.get("MINI_KUBE_PORTS") or "[]")
    return [entry["containerPort"] for entry in declared] or [0]


def listen() -> list[socket.socket]:
    """Listen on every wanted port of the pod's own address.

    A port that we may not have, or that another pod on the host's network has, is replaced
    by any other; the pair goes to the port map, by which port-forward finds it.
    """
    return [bind(port) for port in wanted_ports()]


def bind(port: int) -> socket.socket:
    """Listen on one port, as `listen` does on all."""
    address = os.environ.get("MINI_KUBE_POD_IP") or "127.0.0.1"
    try:
        # Two that begin at once may both be bound; then the second to listen fails.
        listener = socket.create_server((address, port), backlog=128)
    except OSError:
        listener = socket.create_server((address, 0), backlog=128)
        note_port(port, listener.getsockname()[1])
    listener.setblocking(False)
    return listener


def note_port(wanted: int, actual: int) -> None:
    """Say which port stands for the wanted one."""
    line = f"{wanted} {actual}\n"
    path = os.environ.get("MINI_KUBE_PORT_MAP")
    if path:
        with open(path, "a") as file:
            file.write(line)
    sys.stderr.write(f"mini-cri: port {wanted} cannot be had, listening on {actual}\n")


def serve(listeners: list[socket.socket], make_connection: MakeConnection) -> None:
    """Accept and serve until SIGTERM, SIGINT or SIGQUIT."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda *_: os._exit(0))
    poll = select.poll()
    accepting = {listener.fileno(): listener for listener in listeners}
    for descriptor in accepting:
        poll.register(descriptor, select.POLLIN)
    serving: Serving = {}
    while True:
        for descriptor, events in poll.poll():
            if descriptor in accepting:
                accept(accepting[descriptor], poll, serving, make_connection)
            else:
                turn(descriptor, events, poll, serving)


def accept(
    listener: socket.socket,
    poll: select.poll,
    serving: Serving,
    make_connection: MakeConnection,
) -> None:
    """Take a new connection in."""
    try:
        connection, peer = listener.accept()
    except OSError:
        return
    connection.setblocking(False)
    serving[connection.fileno()] = connection, make_connection(connection, peer)
    poll.register(connection.fileno(), select.POLLIN)


def turn(descriptor: int, events: int, poll: select.poll, serving: Serving) -> None:
    """Let a connection do what it can, and drop it when it is done."""
    connection, protocol = serving[descriptor]
    try:
        protocol.ready(events)
        wants = protocol.wants()
    except BlockingIOError:
        return
    except OSError:
        wants = 0
    if wants:
        poll.modify(descriptor, wants)
        return
    poll.unregister(descriptor)
    del serving[descriptor]
    connection.close()
