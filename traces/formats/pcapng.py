"""Packets for Wireshark: what went over each connection above TLS, as plain TCP.

The bytes and times are the recorded ones; IP and TCP around them are made up. Each lane
has an address of 192.0.2.0/24 (RFC 5737: for documentation) and a name, so that
Wireshark's flow graph shows the lanes. Each hop is an interface. The real addresses, the
TLS facts and the session stand in the comment of a connection's first packet.

Ports are those under which Wireshark looks for the protocol without being told: 80 for
HTTP/1.1, HTTP/2 and WebSocket, 6121 for SPDY. It knows no switch from HTTP/1.1 to SPDY,
so the frames behind such a switch get a TCP connection of their own.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from traces.formats.errors import RenderError
from traces.formats.pcapng_blocks import interface, names, packet, section
from traces.formats.tcp_packets import Endpoint, TcpPackets
from traces.lanes import dialler_of, lanes_of, listener_of
from traces.printable import plain
from traces.vantage import witnesses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from traces.events import Event
    from traces.formats.options import Options
    from traces.sessions import Session

__all__ = ["render"]

_FIRST_PORT = 49152  # RFC 6335: the dynamic ports
_PORTS = 65536 - _FIRST_PORT
_HTTP, _SPDY = 80, 6121
_FAR = 1 << 20  # a switch comes early
#: What stands in the head of the request (True) and of the answer that switch.
_SWITCH = {True: b"\r\nupgrade: spdy/3.1\r\n", False: b"http/1.1 101 "}


def render(sessions: Sequence[Session], options: Options) -> bytes:
    """All connections of the sessions, from their beginning to the last session's end.

    Raises:
        RenderError: the trace was made without the bytes of the connections.
    """
    events = _merged(sessions)
    if not any(event.layer == "bytes" for event in events):
        raise RenderError(
            "the trace does not hold the bytes of these connections: "
            "record it with `mini-kube trace on --bytes all`"
        )
    hops = list(dict.fromkeys(event.hop for event in events))
    lanes = {lane: _address(n) for n, lane in enumerate(lanes_of(events))}
    titles = "\n".join(f"{each.id}  {plain(each.title)}" for each in sessions)
    blocks = [section("mini-kube", titles)]
    blocks += [interface(plain(hop), _hop_text(hop)) for hop in hops]
    blocks += [names({address: plain(lane) for lane, address in lanes.items()})]
    numbers = {hop: number for number, hop in enumerate(hops)}
    blocks += _packets(events, numbers, lanes)
    return b"".join(blocks)


def _merged(sessions: Sequence[Session]) -> list[Event]:
    """By time, of each connection what one witness saw."""
    by_seq = {e.seq: e for each in sessions for e in each.connection_events()}
    events = [by_seq[seq] for seq in sorted(by_seq)]
    with_bytes = {event.conn for event in events if event.layer == "bytes"}
    events = [event for event in events if event.conn in with_bytes]
    taken = witnesses(events)
    return [event for event in events if taken[event.conn] == event.conn]


def _address(number: int) -> IPv4Address:
    return IPv4Address("192.0.2.1") + number % 254


def _hop_text(hop: str) -> str:
    return plain(f"{dialler_of(hop)} to {listener_of(hop)}, above TLS")


def _packets(
    events: list[Event], numbers: dict[str, int], lanes: dict[str, IPv4Address]
) -> Iterator[bytes]:
    by_conn: dict[str, list[Event]] = {}
    for event in events:
        by_conn.setdefault(event.conn, []).append(event)
    made = {
        conn: _Connection(own, number, lanes)
        for number, (conn, own) in enumerate(by_conn.items())
    }
    for event in events:
        connection = made[event.conn]
        for data in connection.packets(event):
            comments = connection.take_comments()
            yield packet(numbers[event.hop], event.wall, data, comments)


class _Connection:
    """One recorded connection: one of TCP, or two when it switches to SPDY."""

    def __init__(
        self, events: list[Event], number: int, lanes: dict[str, IPv4Address]
    ) -> None:
        hop = events[0].hop
        self._dialler = lanes[dialler_of(hop)]
        self._listener = lanes[listener_of(hop)]
        self._number = number
        self._comments = [_facts(events)]
        self._before = _spdy_switch(events)
        self._sent = {True: 0, False: 0}
        self._tcp: TcpPackets | None = None
        self._spdy: TcpPackets | None = None

    def packets(self, event: Event) -> list[bytes]:
        """The packets that an event stands for."""
        packets: list[bytes] = []
        if self._tcp is None:
            self._tcp = self._new(_HTTP)
            packets += self._tcp.open()
        if event.fault:
            self._comments.append(plain(f"fault {event.fault}: {event.type}"))
        if event.layer == "bytes":
            return packets + self._data(self._tcp, event.dir == "up", event)
        for each in filter(None, (self._tcp, self._spdy)):
            packets += _ending(each, event)
        return packets

    def take_comments(self) -> list[str]:
        """What is to be said of the next packet."""
        taken, self._comments = self._comments, []
        return taken

    def _data(self, tcp: TcpPackets, up: bool, event: Event) -> list[bytes]:
        data = event.payload or b""
        if self._before is None:
            return tcp.data(up, data)
        http = max(0, self._before[up] - self._sent[up])
        self._sent[up] += len(data)
        packets = tcp.data(up, data[:http])
        rest = data[http:]
        if rest and self._spdy is None:
            self._spdy = self._new(_SPDY)
            self._comments.append("goes on from the connection that switched to SPDY")
            packets += self._spdy.open()
        if rest and self._spdy is not None:
            packets += self._spdy.data(up, rest)
        return packets

    def _new(self, port: int) -> TcpPackets:
        number = self._number
        client = Endpoint(self._dialler, _FIRST_PORT + number % _PORTS)
        return TcpPackets(client, Endpoint(self._listener, port), number + 1)


def _spdy_switch(events: list[Event]) -> dict[bool, int] | None:
    """How many bytes of HTTP each direction has before SPDY; None without a switch."""
    ends = {up: _end_of_head(events, up, mark) for up, mark in _SWITCH.items()}
    return ends if all(ends.values()) else None


def _end_of_head(events: list[Event], up: bool, mark: bytes) -> int:
    """Where the head with `mark` ends; 0 when there is none."""
    way, data = "up" if up else "down", bytearray()
    for event in events:
        if event.layer == "bytes" and event.dir == way and len(data) < _FAR:
            data += event.payload or b""
    found = data.lower().find(mark)
    return data.find(b"\r\n\r\n", found) + 4 if found >= 0 else 0


def _ending(tcp: TcpPackets, event: Event) -> list[bytes]:
    match event.layer, event.type:
        case "conn", "eof":
            return tcp.end(event.dir == "up")
        case "conn", "close" if "reset" in str(event.info.get("reason", "")).lower():
            return tcp.reset(up=True)
        case "conn", "close":
            return tcp.end(up=True) + tcp.end(up=False)
    return []


def _facts(events: list[Event]) -> str:
    """What is known of a connection, a line each."""
    first = events[0]
    lines = [f"connection {first.conn} on {first.hop}, seen by {first.process}"]
    for event in events:
        if event.layer == "bytes":
            break
        if event.trace:
            lines.append(f"session {event.trace}")
        lines += [f"{key}: {value}" for key, value in event.info.items()]
    return "\n".join(plain(line) for line in dict.fromkeys(lines))
