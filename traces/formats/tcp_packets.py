"""A TCP connection over IPv4 that never was: packets around recorded bytes.

Sources: RFC 791, RFC 9293, RFC 1071 (checksum), RFC 7323 2.2 (window scale).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ipaddress import IPv4Address

__all__ = ["Endpoint", "TcpPackets"]

_FIN, _SYN, _RST, _PSH, _ACK = 0x01, 0x02, 0x04, 0x08, 0x10
_WINDOW = 0xFFFF
#: What fits an IPv4 packet, and a little less.
_LARGEST = 65_000
#: Maximum segment size; then, behind a no-operation, window scale 7: no window is full.
_OPTIONS = struct.pack(">BBH", 2, 4, _LARGEST) + b"\x01\x03\x03\x07"


class Endpoint(NamedTuple):
    """One end of a connection."""

    address: IPv4Address
    port: int


class TcpPackets:
    """Makes the packets of one connection, in order; `up` is from who dialled."""

    def __init__(self, client: Endpoint, server: Endpoint, number: int) -> None:
        self._ends = {True: client, False: server}
        # any start will do; these are easy to read, and differ by connection
        self._next = {True: number << 16, False: (number << 16) | 0x8000}
        self._finished = {True: False, False: False}
        self._identification = 0

    def open(self) -> list[bytes]:
        """The three packets that begin it."""
        packets = [self._packet(True, _SYN), self._packet(False, _SYN | _ACK)]
        return [*packets, self._packet(True, _ACK)]

    def data(self, up: bool, data: bytes) -> list[bytes]:
        """Bytes and what acknowledges them; nothing after the end of a direction."""
        packets: list[bytes] = []
        if self._finished[up]:
            return packets
        for start in range(0, len(data), _LARGEST):
            piece = data[start : start + _LARGEST]
            packets += [
                self._packet(up, _PSH | _ACK, piece),
                self._packet(not up, _ACK),
            ]
        return packets

    def end(self, up: bool) -> list[bytes]:
        """The end of one direction; nothing when it was ended already."""
        if self._finished[up]:
            return []
        fin = self._packet(up, _FIN | _ACK)
        self._finished[up] = True
        return [fin, self._packet(not up, _ACK)]

    def reset(self, up: bool) -> list[bytes]:
        """A sudden end of both."""
        if all(self._finished.values()):
            return []
        packet = self._packet(up, _RST | _ACK)
        self._finished = {True: True, False: True}
        return [packet]

    def _packet(self, up: bool, flags: int, data: bytes = b"") -> bytes:
        source, target = self._ends[up], self._ends[not up]
        options = _OPTIONS if flags & _SYN else b""
        acknowledged = self._next[not up] if flags & _ACK else 0
        segment = struct.pack(
            ">HHIIBBHHH",
            source.port,
            target.port,
            self._next[up] & 0xFFFFFFFF,
            acknowledged & 0xFFFFFFFF,
            (5 + len(options) // 4) << 4,
            flags,
            _WINDOW,
            0,
            0,
        )
        segment += options + data
        pseudo = source.address.packed + target.address.packed
        pseudo += struct.pack(">BBH", 0, 6, len(segment))
        checksum = _checksum(pseudo + segment)
        segment = segment[:16] + struct.pack(">H", checksum) + segment[18:]
        self._next[up] += len(data) + bool(flags & (_SYN | _FIN))
        return self._ip_header(source, target, len(segment)) + segment

    def _ip_header(self, source: Endpoint, target: Endpoint, size: int) -> bytes:
        self._identification = (self._identification + 1) & 0xFFFF
        fields = (0x45, 0, 20 + size, self._identification, 0x4000, 64, 6)
        header = struct.pack(">BBHHHBB", *fields)
        addresses = source.address.packed + target.address.packed
        checksum = _checksum(header + b"\0\0" + addresses)
        return header + struct.pack(">H", checksum) + addresses


def _checksum(data: bytes) -> int:
    """RFC 1071: the sum of 16-bit words in ones' complement, which is modulo 65535."""
    number = int.from_bytes(data if len(data) % 2 == 0 else data + b"\0", "big")
    folded = number % 0xFFFF
    # a sum that is not zero and divisible is written as all ones
    total = 0xFFFF if folded == 0 and number else folded
    return ~total & 0xFFFF
