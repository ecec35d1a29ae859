"""What containers use, from /proc and from their scratch directories."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hops.clock import wall_ns
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "CpuMeter",
    "Usage",
    "container_stats",
    "disk_usage",
    "filesystem",
    "measure",
]

_NS_PER_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """Of some processes together; `at` is ns since the epoch."""

    at: int
    cpu_ns: int
    rss_bytes: int
    minor_faults: int
    major_faults: int
    processes: int


def measure(pids: Iterable[int]) -> Usage:
    """Add up what these processes and their dead children have used."""
    cpu = rss = minor = major = count = 0
    for pid in pids:
        fields = _stat(pid)
        if not fields:
            continue
        # proc(5): minflt cminflt majflt cmajflt utime stime cutime cstime are 10 to 17
        minor += fields[0] + fields[1]
        major += fields[2] + fields[3]
        cpu += sum(fields[4:8])
        rss += fields[14]
        count += 1
    return Usage(wall_ns(), cpu * _NS_PER_TICK, rss * _PAGE_SIZE, minor, major, count)


def _stat(pid: int) -> list[int]:
    """Fields 10 and following of /proc/PID/stat; none when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    # the name, field 2, may hold blanks and parentheses
    return [int(field) for field in text.rpartition(")")[2].split()[7:]]


class CpuMeter:
    """Makes a counter that never falls, and a rate, out of single looks.

    A process that has ended and was not a child takes its time with it.
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, int]] = {}

    def read(self, identity: str, usage: Usage) -> cri.CpuUsage:
        """The container's processor time so far, and its present rate."""
        at, total = self._last.get(identity, (usage.at, usage.cpu_ns))
        used = max(total, usage.cpu_ns)
        elapsed = usage.at - at
        self._last[identity] = (usage.at, used)
        rate = (used - total) * 1_000_000_000 // elapsed if elapsed > 0 else 0
        return cri.CpuUsage(
            timestamp=usage.at,
            usage_core_nano_seconds=_value(used),
            usage_nano_cores=_value(rate),
        )

    def forget(self, identity: str) -> None:
        """The container is gone."""
        self._last.pop(identity, None)


def memory(usage: Usage) -> cri.MemoryUsage:
    """Resident memory; there is no page cache to tell apart without a cgroup."""
    return cri.MemoryUsage(
        timestamp=usage.at,
        working_set_bytes=_value(usage.rss_bytes),
        usage_bytes=_value(usage.rss_bytes),
        rss_bytes=_value(usage.rss_bytes),
        page_faults=_value(usage.minor_faults + usage.major_faults),
        major_page_faults=_value(usage.major_faults),
    )


def processes(usage: Usage) -> cri.ProcessUsage:
    """How many there are."""
    return cri.ProcessUsage(timestamp=usage.at, process_count=_value(usage.processes))


def disk_usage(root: Path) -> tuple[int, int]:
    """Bytes and inodes of a tree. Mounts are links in it, and links are not followed."""
    size = inodes = 0
    for directory, _, files in os.walk(root):
        inodes += 1 + len(files)
        for name in files:
            try:
                size += os.lstat(os.path.join(directory, name)).st_blocks * 512
            except OSError:
                continue
    return size, inodes


def filesystem(mountpoint: Path, size: int, inodes: int) -> cri.FilesystemUsage:
    """Use of a filesystem, or of one container's part of it."""
    return cri.FilesystemUsage(
        timestamp=wall_ns(),
        fs_id=cri.FilesystemIdentifier(mountpoint=str(mountpoint)),
        used_bytes=_value(size),
        inodes_used=_value(inodes),
    )


def _value(number: int) -> cri.UInt64Value:
    return cri.UInt64Value(value=number)


def container_stats(
    attributes: cri.ContainerAttributes,
    cpu: cri.CpuUsage,
    usage: Usage,
    writable_layer: cri.FilesystemUsage,
) -> cri.ContainerStats:
    """The figures of one container."""
    return cri.ContainerStats(
        attributes=attributes,
        cpu=cpu,
        memory=memory(usage),
        writable_layer=writable_layer,
        swap=cri.SwapUsage(timestamp=usage.at, swap_usage_bytes=_value(0)),
    )
