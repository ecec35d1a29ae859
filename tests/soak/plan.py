"""What one run does, decided by its seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

__all__ = ["OPERATIONS", "Plan", "plan_of"]

OPERATIONS = ("output", "input", "echo", "terminal", "forward", "logs")

_STREAM_HOPS = ("kubectl-apiserver", "apiserver-kubelet", "kubelet-cri-streaming")
_HALF_A_SECOND = 500

#: Faults that keep the order and the content of what they deliver: name -> attributes.
#: Those that change bytes on purpose would break the invariants by themselves.
_FAULTS: dict[str, dict[str, tuple[int, int]]] = {
    "latency": {"latency": (0, 60), "jitter": (0, 30)},
    "bandwidth": {"rate": (20, 4000)},
    "slow_close": {"delay": (0, 200)},
    "timeout": {"timeout": (1, 300)},
    "reset_peer": {"timeout": (0, 300)},
    "slicer": {"average_size": (1, 900), "size_variation": (0, 1), "delay": (0, 800)},
    "limit_data": {"bytes": (0, 60_000)},
    "truncate": {"at": (0, 40_000)},
    "stall": {"at": (0, 40_000)},
    "half_close": {"at": (0, 40_000)},
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
        "stream": chance.choice(("upstream", "downstream", "both")),
        "toxicity": 1.0,
        "seed": seed,
        "attributes": {
            key: chance.randint(least, most)
            for key, (least, most) in _FAULTS[name].items()
        },
    }
