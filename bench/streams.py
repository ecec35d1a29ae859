"""Bytes through all hops, by each protocol, beside the bare relay of the same run."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from bench.relay import BareRelay
from bench.table import Row
from bench.throughput import BLOCK, check, download, upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.exec_client import ExecClient
    from bench.forward_client import Forwarding
    from bench.subject import Subject

__all__ = ["port_forward", "spdy", "websocket"]

_MB = 1e6
_MIB = 2**20
_SIZE = 256 * _MIB
_ROUNDS = 3

#: What answers in the pod: `D` brings _SIZE bytes, `U` takes them and says when it has all.
_END = f"""
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
block, size = bytes(1 << 18), {_SIZE}
while True:
    peer, _ = listener.accept()
    with peer:
        if peer.recv(1) == b"D":
            for _ in range(size // len(block)):
                peer.sendall(block)
        else:
            left = size
            while left:
                left -= len(peer.recv(1 << 18))
            peer.sendall(b"!")
"""


def websocket(subject: Subject) -> Iterator[Row]:
    """stdout and stdin over WebSocket v5."""
    with subject.client() as client:
        yield from _exec_rows(subject, client, "WebSocket", 176, 108)


def spdy(subject: Subject) -> Iterator[Row]:
    """stdout and stdin over SPDY."""
    with subject.client(spdy=True) as client:
        yield from _exec_rows(subject, client, "SPDY", 250, 208)


def port_forward(subject: Subject) -> Iterator[Row]:
    """Down and up through one forward, over SPDY and over the WebSocket tunnel."""
    with subject.client() as client:
        session = client.open("python3", "-c", _END)
        port = int(next(session.output()))
        try:
            for is_spdy, name in ((True, "SPDY"), (False, "tunnel")):
                dial = partial(subject.forwarding, port, spdy=is_spdy)
                yield from _rows(
                    subject,
                    f"port-forward, {name}",
                    lambda dial=dial: _from_pod(dial()),  # type: ignore[misc]  # bound now
                    lambda dial=dial: _to_pod(dial()),  # type: ignore[misc]
                    aim=0.8,
                    real=(254, 239),
                )
        finally:
            session.close()
            client.run("pkill", "-f", "listener.getsockname")


def _exec_rows(
    subject: Subject, client: ExecClient, name: str, out: float, into: float
) -> Iterator[Row]:
    return _rows(
        subject,
        name,
        lambda: download(client, _SIZE),
        lambda: upload(client, _SIZE),
        aim=0.7,
        real=(out, into),
    )


def _rows(
    subject: Subject,
    name: str,
    down: Callable[[], float],
    up: Callable[[], float],
    *,
    aim: float,
    real: tuple[float, float],
) -> Iterator[Row]:
    """Ours and the relay in turn; the best of each counts.

    Args:
        real: MiB/s of the real stack, down and up.
    """
    with BareRelay(subject.pki, subject.node) as relay:
        rounds = [
            (relay.download(_SIZE), down(), relay.upload(_SIZE), up())
            for _ in range(_ROUNDS)
        ]
    bare_down, own_down, bare_up, own_up = (
        max(each) for each in zip(*rounds, strict=True)
    )
    ways = (("out", own_down, bare_down, real[0]), ("in", own_up, bare_up, real[1]))
    for way, own, bare, stack in ways:
        text = f"{name}, {way}, through all hops"
        yield Row(text, own / _MIB, "MiB/s", better="more", real=stack)
        note = f"bare three-hop TLS relay: {bare / _MIB:.0f} MiB/s"
        yield Row("  of the bare relay", own / bare, "", aim, "more", note=note)


def _from_pod(forwarding: Forwarding) -> float:
    with forwarding:
        begun = time.perf_counter()
        forwarding.send(b"D")
        check(sum(map(len, forwarding.receive())), _SIZE)
        return _SIZE / (time.perf_counter() - begun)


def _to_pod(forwarding: Forwarding) -> float:
    with forwarding:
        begun = time.perf_counter()
        forwarding.send(b"U")
        for _ in range(_SIZE // len(BLOCK)):
            forwarding.send(BLOCK)
        next(forwarding.receive())
        return _SIZE / (time.perf_counter() - begun)
