"""An address of its own for each pod: one of 127.64.0.0/10, which is all loopback on Linux.

The range leaves alone what distributions use (127.0.0.1, 127.0.0.53, 127.0.1.1). That no two
pods of a machine get the same is up to the claim that the shim holds (shim/sockets.py); here
only the order of trying is decided, by the pod's id, so that clusters do not crowd together.
"""

from __future__ import annotations

from ipaddress import IPv4Network

__all__ = ["NETWORK", "candidates"]

NETWORK = IPv4Network("127.64.0.0/10")

_TRIES = 64


def candidates(identity: str) -> list[str]:
    """Addresses to try for a sandbox, best first."""
    usable = (
        NETWORK.num_addresses - 2
    )  # neither the network's nor the broadcast address
    start = int(identity[:16], 16)
    return [str(NETWORK[1 + (start + i) % usable]) for i in range(_TRIES)]
