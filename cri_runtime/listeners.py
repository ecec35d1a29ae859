"""Where the processes of a pod listen, as /proc has it.

Pods have no network of their own, only an address. Something else on the machine may listen
on the port that is asked for, another pod on all addresses for instance. So port-forward
connects only to sockets that processes of the pod hold.

Source: proc(5) /proc/pid/net/tcp, tcp6; Linux net/ipv4/tcp_ipv4.c (tcp_seq_start,
tcp4_seq_show).
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from typing import TYPE_CHECKING

from cri_runtime.shim.processes import descendants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Listeners", "parse_listeners"]

_LISTEN = b"0A"
_SYN_RECV = b"03"  # between the others in kernels before 4.4
_PAGE = 4096
_MOST_KNOWN = 64
_ANY = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not bound to


class Listeners:
    """Finds where pods listen, and remembers it while the same sockets listen.

    To find who holds a socket, every descriptor of every process of a pod is read. A
    session may connect a thousand times.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[dict[bytes, str], list[str]]] = {}

    def addresses(self, root: int, port: int, own: str) -> list[str]:
        """Addresses at which processes below `root` can be reached on a port.

        Args:
            root: a process id; the tree below it is the pod.
            own: the address of the pod, by which one is reached that listens on all.
        """
        found = dict(_listeners(port))
        known, addresses = self._known.get((root, port), ({}, []))
        if found and found == known:
            return addresses
        self._known.pop((root, port), None)
        addresses = _held(found, root, own) if found else []
        if addresses:
            while len(self._known) >= _MOST_KNOWN:
                self._known.pop(next(iter(self._known)))
            self._known[root, port] = found, addresses
        return addresses


def _held(found: dict[bytes, str], root: int, own: str) -> list[str]:
    sockets = _sockets(descendants([root]))
    reached = (_reached_at(found[inode], own) for inode in sockets if inode in found)
    return sorted(set(reached), key=lambda address: (":" in address, address != own))


def parse_listeners(lines: Iterable[bytes], port: int) -> Iterator[tuple[bytes, str]]:
    """(inode, address) of each socket in /proc/net/tcp[6] that listens on `port`.

    Those that listen come first; the thousands behind them are not looked at.
    """
    suffix = b":%04X" % port
    for line in lines:
        fields = line.split()
        if fields[0] == b"sl":
            continue
        if fields[3] == _LISTEN and fields[1].endswith(suffix):
            yield fields[9], _address(fields[1].removesuffix(suffix))
        elif fields[3] not in (_LISTEN, _SYN_RECV):
            return


def _listeners(port: int) -> Iterator[tuple[bytes, str]]:
    for name in ("tcp", "tcp6"):
        # There is no tcp6 on a kernel without IPv6.
        with (
            contextlib.suppress(OSError),
            open(f"/proc/self/net/{name}", "rb", buffering=_PAGE) as file,
        ):
            yield from parse_listeners(file, port)


def _address(text: bytes) -> str:
    """32-bit words in the machine's own order, as hexadecimal numbers."""
    words = [int(text[i : i + 8], 16) for i in range(0, len(text), 8)]
    packed = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed)


def _reached_at(address: str, own: str) -> str:
    if address in _ANY:
        return own
    return address.removeprefix("::ffff:")


def _sockets(pids: Iterable[int]) -> Iterator[bytes]:
    """Inodes of the sockets that processes hold."""
    for pid in pids:
        folder = f"/proc/{pid}/fd"
        try:
            descriptors = os.listdir(folder)
        except OSError:
            continue  # it has ended
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                target = os.readlink(f"{folder}/{descriptor}")
                if target.startswith("socket:["):
                    yield target[8:-1].encode()
