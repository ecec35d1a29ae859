"""Running out of memory: the container's own limit, and the kernel's doing.

There is no cgroup here. The limit is watched from outside, four times a second, and whoever is
above it is killed as the kernel would do it, whole container at once (memory.oom.group, the
kubelet's choice since 1.28). A SIGKILL that nobody sent, while the kernel's count of such
kills went up, is taken for the kernel's.
"""

from __future__ import annotations

from cri_runtime.shim.processes import anonymous_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["INTERVAL", "KernelKills", "usage"]

# seconds between two looks at containers that have a limit
INTERVAL = 0.25


def usage(pids: Iterable[int]) -> int:
    """Bytes of anonymous memory of these processes together."""
    return sum(map(anonymous_bytes, pids))


class KernelKills:
    """Notices when the kernel has killed for want of memory since the last look."""

    def __init__(self) -> None:
        self._seen = self._count()

    def any_new(self) -> bool:
        """Whether the count has grown since it was last asked for."""
        before, self._seen = self._seen, self._count()
        return self._seen > before

    @staticmethod
    def _count() -> int:
        try:
            with open("/proc/vmstat") as file:
                lines = (line.split() for line in file)
                return next((int(n) for name, n in lines if name == "oom_kill"), 0)
        except OSError:
            return 0
