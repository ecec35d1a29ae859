"""Killing a process at a frame. `faults.processes` finds it, and kills at once."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, Any

from faults.frame_fault import RandomFrames
from faults.process_identity import start_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faults.actions import Item
    from faults.framing.frame import Frame

__all__ = ["Kill", "send_signal", "signalled"]


class Kill(RandomFrames):
    """The process is killed when the frame comes; the frame goes on."""

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Kill it."""
        send_signal(
            self.values["pid"], self.values["start_time"], self.values["signal"]
        )
        return [frame]

    def matches(self, frame: Frame) -> bool:
        """Nothing at all, when it was done at once."""
        return self.values["when"] == "frame" and super().matches(frame)


def send_signal(pid: int, started: int, name: str) -> bool:
    """Signal the process that had this pid when it was looked up; False: it is gone.

    Args:
        started: its start time, in clock ticks since boot; a pid alone names nobody.
    """
    if pid <= 0:
        return False
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            if start_time(pid) == started:
                signal.pidfd_send_signal(descriptor, signal.Signals[f"SIG{name}"])
                return True
        finally:
            os.close(descriptor)
    return False


def signalled(values: Mapping[str, Any]) -> str:
    """What has become of the process, for people; `values` are those of the rule."""
    process, name = values["process"], values["signal"]
    done = {"KILL": "killed", "STOP": "stopped", "CONT": "going on"}
    return f"{process} is {done[name]}" if name in done else f"{process} got SIG{name}"
