"""How a rollout moves pods from old ReplicaSets to the new one: pure arithmetic.

Source: kubernetes/kubernetes pkg/controller/deployment/rolling.go,
util/deployment_util.go (NewRSNewReplicas, ResolveFenceposts, FindNewReplicaSet).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from apimachinery.types import JsonObject

__all__ = [
    "HASH_LABEL",
    "Bounds",
    "bounds_of",
    "find_new",
    "scale_down_old",
    "scale_up_new",
    "template_hash",
]

HASH_LABEL: Final = "pod-template-hash"
# apimachinery pkg/util/rand: no vowels, nothing that could spell a word.
_SAFE: Final = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many pods there may be in all, and how many must be available."""

    most: int
    least_available: int


def bounds_of(deployment: JsonObject) -> Bounds:
    """The bounds of a rolling update.

    "Surge rounds up, unavailable rounds down; if both are 0, unavailable is 1", since
    nothing could move otherwise.
    """
    replicas = int(deployment["spec"].get("replicas", 1))
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    surge = ceil(_share(rolling.get("maxSurge", "25%"), replicas))
    unavailable = floor(_share(rolling.get("maxUnavailable", "25%"), replicas))
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Bounds(replicas + surge, replicas - min(unavailable, replicas))


def scale_up_new(new: int, others: int, wanted: int, bounds: Bounds) -> int:
    """How many replicas the new set gets: what is wanted, as far as there is room."""
    if new >= wanted:
        return wanted
    room = bounds.most - (new + others)
    return new if room <= 0 else new + min(room, wanted - new)


def scale_down_old(
    old: Sequence[tuple[int, int]], new: tuple[int, int], bounds: Bounds
) -> list[int]:
    """What the old sets keep, given (replicas, available) of each and of the new one.

    Pods that are not available go first, since nothing is lost by them; then as many
    of the available as the bounds allow.
    """
    total = sum(replicas for replicas, _ in old) + new[0]
    spare = total - bounds.least_available - (new[0] - new[1])
    kept = [replicas for replicas, _ in old]
    if spare <= 0:
        return kept
    for index, (replicas, available) in enumerate(old):
        gone = max(min(replicas - available, spare), 0)
        kept[index] -= gone
        spare -= gone
    available_now = sum(
        min(available, left) for (_, available), left in zip(old, kept, strict=True)
    )
    spare = available_now + new[1] - bounds.least_available
    for index, left in enumerate(kept):
        gone = max(min(left, spare), 0)
        kept[index] -= gone
        spare -= gone
    return kept


def find_new(
    deployment: JsonObject, replica_sets: Iterable[JsonObject]
) -> JsonObject | None:
    """The set that has the deployment's template; the oldest if there are several."""
    wanted = _comparable(deployment["spec"]["template"])
    matching = [
        item for item in replica_sets if _comparable(item["spec"]["template"]) == wanted
    ]
    matching.sort(key=lambda item: str(item["metadata"].get("creationTimestamp")))
    return matching[0] if matching else None


def template_hash(template: JsonObject, collisions: int = 0) -> str:
    """The name of a template, as it stands in the label and in the set's name.

    FNV-1a of 32 bits in safe letters, like upstream's, over canonical JSON: upstream
    hashes a dump of the Go structure, which nothing else can repeat.
    """
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    value = 0x811C9DC5
    for byte in text.encode() + collisions.to_bytes(4, "little"):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return "".join(_SAFE[ord(digit) % len(_SAFE)] for digit in str(value))


def _share(value: object, of: int) -> float:
    """An absolute number, or a percentage of `of`."""
    text = str(value)
    if text.endswith("%"):
        return int(text[:-1]) * of / 100
    return float(int(text))


def _comparable(template: JsonObject) -> JsonObject:
    metadata = dict(template.get("metadata") or {})
    labels = dict(metadata.get("labels") or {})
    labels.pop(HASH_LABEL, None)
    metadata["labels"] = labels
    metadata.pop("creationTimestamp", None)
    return {**template, "metadata": metadata}
