"""Logs through all hops: the file, the kubelet, the API server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.table import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.subject import Subject

__all__ = ["logs"]

_MIB = 2**20
_SIZE = 100 * _MIB
_LINE = "the quick brown fox jumps over the lazy dog, again and again, until the end"
_WRITE = f"yes '{_LINE}' | head -c {_SIZE}; echo; echo written; sleep 1000000"


def logs(subject: Subject) -> Iterator[Row]:
    """A log of 100 MiB, as it is and with timestamps."""
    subject.create_pod("log", "sh", "-c", _WRITE)
    while b"written" not in subject.log("log", "tailLines=1"):
        time.sleep(0.1)
    plain = max(_speed(subject, "") for _ in range(3))
    stamped = max(_speed(subject, "timestamps=true") for _ in range(3))
    yield Row("a log of 100 MiB", plain, "MiB/s", 100, "more", real=42)
    yield Row("  with timestamps", stamped, "MiB/s")


def _speed(subject: Subject, query: str) -> float:
    """MiB of log a second; timestamps are not counted."""
    begun = time.perf_counter()
    size = subject.log_size("log", query)
    if size < _SIZE:
        raise RuntimeError(f"{size} bytes of {_SIZE} came")
    return _SIZE / _MIB / (time.perf_counter() - begun)
