"""Processes that outlive us: how to know one again, and how to end it.

A pid alone names nobody: pids are used again. With the process's start time and the
boot it belongs to it does (proc(5), /proc/PID/stat field 22), and a pidfd keeps it from
changing hands between the look and the signal (pidfd_open(2)).
"""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["ProcessIdentity", "end_processes", "identify", "uptime"]

_DEAD_STATES = frozenset("ZXx")


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process, for good. `start_time` is in clock ticks since boot."""

    pid: int
    start_time: int
    boot_id: str

    def is_running(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        return identify(self.pid) == self

    def to_json(self) -> dict[str, Any]:
        return {"pid": self.pid, "startTime": self.start_time, "bootId": self.boot_id}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(int(value["pid"]), int(value["startTime"]), str(value["bootId"]))


def identify(pid: int) -> ProcessIdentity | None:
    """Who has this pid now; None when nobody has, or only a zombie."""
    facts = _stat(pid)
    if facts is None or facts[0] in _DEAD_STATES:
        return None
    return ProcessIdentity(pid, facts[1], _boot_id())


def uptime(process: ProcessIdentity) -> float:
    """For how many seconds the process has been running."""
    ticks_a_second = os.sysconf("SC_CLK_TCK")
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    return since_boot - process.start_time / ticks_a_second


def end_processes(
    processes: Iterable[ProcessIdentity],
    *,
    grace: float,
    on_end: Callable[[ProcessIdentity, bool], None] = lambda process, killed: None,
) -> None:
    """SIGTERM to all, and SIGKILL to those that are there `grace` seconds later.

    `on_end` is told of each as it ends, and whether it had to be killed.
    """
    handles = {}
    for process in processes:
        descriptor = _open(process)
        if descriptor is None:
            on_end(process, False)
        else:
            handles[descriptor] = process
    try:
        for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
            _signal(handles, number)
            killed = number == signal.SIGKILL
            for process in _ends(handles, patience):
                on_end(process, killed)
    finally:
        for descriptor in handles:
            os.close(descriptor)


def _open(process: ProcessIdentity) -> int | None:
    """A pidfd that certainly stands for `process`."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    # The pidfd is taken first: if the process is still the one meant, so is the pidfd.
    if process.is_running():
        return descriptor
    os.close(descriptor)
    return None


def _signal(handles: Mapping[int, ProcessIdentity], number: signal.Signals) -> None:
    for descriptor in handles:
        try:
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            continue  # ended between: its pidfd will say so


def _ends(
    handles: dict[int, ProcessIdentity], patience: float
) -> Iterator[ProcessIdentity]:
    """The processes as they end, until all have or time is up; they leave `handles`."""
    poller = select.poll()
    for descriptor in handles:
        poller.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + patience
    while handles and (left := deadline - time.monotonic()) > 0:
        for descriptor, _ in poller.poll(left * 1000):
            poller.unregister(descriptor)
            os.close(descriptor)
            yield handles.pop(descriptor)


def _stat(pid: int) -> tuple[str, int] | None:
    """State letter and start time of a process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the command in brackets, and may itself hold brackets.
    rest = text[text.rindex(")") + 2 :].split()
    return rest[0], int(rest[19])


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
