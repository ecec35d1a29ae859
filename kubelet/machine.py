"""Facts of the machine, read from /proc and friends.

Source: google/cadvisor machine/info.go; kubernetes/kubernetes
pkg/kubelet/nodestatus/setters.go for where each one goes.
"""

from __future__ import annotations

import os
import platform
import time
import uuid
from dataclasses import dataclass

__all__ = ["Machine", "Usage", "boot_time", "read_machine", "read_usage"]

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


@dataclass(frozen=True, slots=True)
class Machine:
    """What does not change while the kubelet runs. Sizes in bytes."""

    cpus: int
    memory: int
    storage: int
    inodes: int
    machine_id: str
    system_uuid: str
    boot_id: str
    kernel_version: str
    os_image: str
    operating_system: str
    architecture: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What changes: processor time in nanoseconds, memory and disk in bytes."""

    cpu_nanoseconds: int
    memory_available: int
    memory_used: int
    disk_available: int
    inodes_free: int
    processes: int


def read_machine(root_dir: str) -> Machine:
    """Ask the system. `root_dir` is where ephemeral storage is counted."""
    disk = os.statvfs(root_dir)
    return Machine(
        cpus=os.cpu_count() or 1,
        memory=_meminfo().get("MemTotal", 0),
        storage=disk.f_blocks * disk.f_frsize,
        inodes=disk.f_files,
        machine_id=_first_line("/etc/machine-id") or uuid.UUID(int=uuid.getnode()).hex,
        system_uuid=_first_line("/sys/class/dmi/id/product_uuid")
        or _first_line("/etc/machine-id"),
        boot_id=_first_line("/proc/sys/kernel/random/boot_id"),
        kernel_version=platform.release(),
        os_image=_os_image(),
        operating_system=platform.system().lower(),
        architecture=_ARCHITECTURES.get(platform.machine(), platform.machine()),
    )


def read_usage(root_dir: str) -> Usage:
    memory = _meminfo()
    disk = os.statvfs(root_dir)
    available = memory.get("MemAvailable", 0)
    return Usage(
        cpu_nanoseconds=_cpu_nanoseconds(),
        memory_available=available,
        memory_used=max(memory.get("MemTotal", 0) - available, 0),
        disk_available=disk.f_bavail * disk.f_frsize,
        inodes_free=disk.f_favail,
        processes=_process_count(),
    )


def boot_time() -> float:
    """Seconds since the epoch."""
    uptime = _first_line("/proc/uptime").split()
    return time.time() - float(uptime[0]) if uptime else time.time()


def _meminfo() -> dict[str, int]:
    sizes = {}
    for line in _read("/proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words:
            unit = 1024 if words[1:] == ["kB"] else 1
            sizes[name] = int(words[0]) * unit
    return sizes


def _cpu_nanoseconds() -> int:
    """Busy time of all processors since boot; idle and iowait do not count."""
    words = _first_line("/proc/stat").split()
    ticks = [int(word) for word in words[1:9]]
    if len(ticks) < 5:
        return 0
    busy = sum(ticks) - ticks[3] - ticks[4]
    return busy * 10**9 // os.sysconf("SC_CLK_TCK")


def _process_count() -> int:
    # "0.20 0.18 0.12 1/80 11206": the number behind the slash.
    words = _first_line("/proc/loadavg").split()
    return int(words[3].partition("/")[2]) if len(words) > 3 else 0


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Unknown")
    except OSError:
        return platform.platform()


def _first_line(path: str) -> str:
    return _read(path).partition("\n")[0].strip()


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
