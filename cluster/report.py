"""What `up` and `down` tell while they work: one line a service."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from cluster.records import ServiceRecord
    from cluster.supervisor import StartedService

__all__ = ["Report"]


@dataclass(slots=True)
class Report:
    """Writes the lines; `width` aligns the names."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    width: int = 20

    def ready(self, item: StartedService, seconds: float) -> None:
        took = f"ready in {seconds:.2f} s" if item.fresh else "was running"
        service = item.service
        self._line(f"{service.name:<{self.width}} {took:<16} {service.address}")

    def ended(self, record: ServiceRecord, *, killed: bool) -> None:
        how = "killed" if killed else "ended"
        self._line(f"{record.service:<{self.width}} {how}")

    def waiting_for_lock(self) -> None:
        self._line("waiting for another mini-kube to finish")

    def say(self, text: str) -> None:
        self._line(text)

    def _line(self, text: str) -> None:
        try:
            print(text, file=self.out, flush=True)
        except BrokenPipeError:
            # `up | head -1`: nobody reads any more, and the cluster is wanted all the same
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.out.fileno())
