"""What a worker keeps of its pod, and what a round of work brings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubelet.container_statuses import Failure
    from kubelet.objects import PodObjects

__all__ = ["PodWork", "SyncOutcome", "Verdict"]

RETRY_FIRST, _RETRY_LONGEST = 0.5, 10.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The kubelet itself ended the pod: what its status says from then on."""

    reason: str
    message: str


@dataclass(slots=True)
class PodWork:
    """What a worker keeps of its pod between rounds."""

    pod: JsonObject
    objects: PodObjects
    failures: dict[str, Failure] = field(default_factory=dict)
    verdict: Verdict | None = None
    retry_delay: float = RETRY_FIRST

    def next_retry(self) -> float:
        """The delay of a repeated failure: doubling, at most ten seconds."""
        delay = self.retry_delay
        self.retry_delay = min(delay * 2, _RETRY_LONGEST)
        return delay

    def went_well(self) -> None:
        """Nothing failed this time: the next failure is a first one."""
        self.retry_delay = RETRY_FIRST


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """`finished`: the pod is over. `retry_after`: seconds until it needs a look."""

    finished: bool = False
    retry_after: float | None = None
