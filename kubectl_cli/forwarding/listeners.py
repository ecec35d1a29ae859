"""The local ends of forwarded ports.

Source: kubernetes/client-go tools/portforward/portforward.go (parseAddresses,
listenOnPort, getListener).
"""

from __future__ import annotations

import ipaddress
import sys

from hops.blocking.listen import ListenError, listen_on
from kubectl_cli.errors import CommandError
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

    from kubectl_cli.forwarding.ports import ForwardedPort

__all__ = ["LocalListener", "listen_on_ports", "parse_addresses"]

_LOCALHOST = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class LocalListener:
    """A listening socket and what is behind it."""

    stream: socket.socket
    local: int
    remote: int


def parse_addresses(words: list[str]) -> dict[str, bool]:
    """Each address to listen on, and whether another one may stand in for it.

    `localhost` is both loopback addresses, of which one is enough.
    """
    if not words:
        raise CommandError("you must specify at least 1 address")
    found: dict[str, bool] = {}
    for word in words:
        if word == "localhost":
            for each in _LOCALHOST:
                found.setdefault(each, True)
        else:
            found[_address(word)] = False
    return found


def _address(word: str) -> str:
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        raise CommandError(f"{word} is not a valid IP") from None


def listen_on_ports(
    ports: list[ForwardedPort], addresses: dict[str, bool]
) -> list[LocalListener]:
    """Listen on each port, and say so; a port that cannot be had is told on stderr.

    Raises:
        CommandError: none could be had.
    """
    listeners: list[LocalListener] = []
    succeeded = False
    for port in ports:
        try:
            _listen(port, addresses, listeners)
            succeeded = True
        except ListenError as error:
            sys.stdout.flush()
            print(f"Unable to listen on port {port.local}: {error}", file=sys.stderr)
    if not succeeded:
        for listener in listeners:
            listener.stream.close()
        shown = " ".join(map(str, ports))
        raise CommandError(f"unable to listen on any of the requested ports: [{shown}]")
    return listeners


def _listen(
    port: ForwardedPort, addresses: dict[str, bool], listeners: list[LocalListener]
) -> None:
    local, errors, lost, served = port.local, [], False, False
    for address, is_one_of_many in addresses.items():
        try:
            stream = listen_on(address, local)
        except ListenError as error:
            errors.append(f"unable to create listener: Error {error}")
            lost |= not is_one_of_many
            continue
        served |= is_one_of_many
        local = stream.getsockname()[1]
        listeners.append(LocalListener(stream, local, port.remote))
        shown = f"[{address}]" if ":" in address else address
        print(f"Forwarding from {shown}:{local} -> {port.remote}", flush=True)
    wants_one = any(addresses.values())
    if lost or (wants_one and not served):
        raise ListenError(
            "Listeners failed to create with the following errors:"
            f" [{' '.join(errors)}]"
        )
