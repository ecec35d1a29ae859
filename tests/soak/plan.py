"""What one run does, decided by its seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

__all__ = ["OPERATIONS", "Plan", "plan_of"]

OPERATIONS = ("output", "input", "echo", "terminal", "forward", "logs")

_STREAMS = ("upstream", "downstream", "both")
#: A server answers a close with a good close, and to a client that sent none, that is a
#: good end: so says client-go, and so it is upstream.
_DOWNSTREAM = "downstream"
_STREAM_HOPS = ("kubectl-apiserver", "apiserver-kubelet", "kubelet-cri-streaming")
#: Faults that keep the order and the content of what they deliver: name -> attributes
#: with their ranges. Those that change or drop bytes would break what must hold by
#: themselves, and so would a status that never comes: clients take it for success.
_FAULTS: dict[str, dict[str, tuple[int, int]]] = {
    "bandwidth": {"rate": (20, 4000)},
    "close_code": {"n": (0, 20), "code": (1001, 1003)},
    "coalesce": {"size": (1, 70_000), "delay": (0, 60)},
    "frame_delay": {"n": (1, 20), "delay": (0, 200)},
    "half_close": {"after": (0, 40_000)},
    "http_answer": {"status": (400, 599)},
    "idle_cut": {"timeout": (30, 500)},
    "latency": {"latency": (0, 60), "jitter": (0, 30)},
    "limit_data": {"bytes": (0, 60_000)},
    "no_pong": {},
    "reset_peer": {"timeout": (0, 300)},
    "slicer": {"average_size": (1, 900), "size_variation": (0, 1), "delay": (0, 800)},
    "slow_close": {"delay": (0, 200)},
    "spdy_goaway": {"n": (1, 20)},
    "stall": {"after": (0, 40_000)},
    "status_late": {"delay": (0, 300)},
    "timeout": {"timeout": (1, 300)},
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One run.

    Attributes:
        carrier: "websocket" or "spdy"; port-forward and exec have both.
        size: bytes of input, or lines of output.
        exit_code: what the command ends with.
        pieces: how the input is cut.
        cut_after: the client leaves after so many bytes came; None: it stays.
        faults: rules (`faults`), without the selector of the session.
    """

    seed: int
    operation: str
    carrier: str
    size: int
    exit_code: int
    pieces: tuple[int, ...]
    cut_after: int | None
    faults: tuple[dict[str, Any], ...]


def plan_of(seed: int) -> Plan:
    """The plan of a seed: always the same."""
    chance = random.Random(seed)
    operation = chance.choice(OPERATIONS)
    size = int(10 ** chance.uniform(0, 4.7))
    return Plan(
        seed=seed,
        operation=operation,
        carrier=chance.choice(("websocket", "spdy")),
        size=size,
        exit_code=chance.choice((0, 0, 1, 3, 42, 137, 255)),
        pieces=tuple(_pieces(chance, size)),
        cut_after=chance.randrange(size + 1) if chance.random() < 0.15 else None,
        faults=tuple(
            _fault(chance, seed, n) for n in range(chance.choice((0, 1, 1, 2)))
        ),
    )


def _pieces(chance: random.Random, size: int) -> list[int]:
    pieces = []
    while size > 0:
        piece = min(size, chance.choice((1, 7, 1000, 4096, 32768, size)))
        pieces.append(piece)
        size -= piece
        if len(pieces) > 40:
            pieces.append(size)
            break
    return [piece for piece in pieces if piece]


def _fault(chance: random.Random, seed: int, number: int) -> dict[str, Any]:
    name = chance.choice(sorted(_FAULTS))
    return {
        "name": f"soak-{seed}-{number}",
        "type": name,
        "hop": chance.choice(_STREAM_HOPS),
        "stream": _DOWNSTREAM if name == "close_code" else chance.choice(_STREAMS),
        "toxicity": 1.0,
        "seed": seed,
        "attributes": {
            key: chance.randint(least, most)
            for key, (least, most) in _FAULTS[name].items()
        },
    }
