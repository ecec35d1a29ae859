"""The files of one container's log: the one being written, and those rotated away.

    0.log                      being written
    0.log.20240501-100000      rotated last, not compressed: a reader may be at it
    0.log.20240501-095500.gz   older
    0.log.20240501-095500.tmp  being compressed

Source: kubernetes/kubernetes pkg/kubelet/logs/container_log_manager.go.
"""

from __future__ import annotations

import glob
import gzip
import os
import shutil
import time
from contextlib import suppress

__all__ = [
    "clean_up",
    "compress",
    "is_taken",
    "rotated_files",
    "rotated_name",
    "stamp_of",
]

_COMPRESSED, _TEMPORARY = ".gz", ".tmp"
_STAMP = "%Y%m%d-%H%M%S"
# Text compresses to a tenth at any level, and at the first in a third of the time.
_LEVEL = 1


def rotated_name(path: str, now: float) -> str:
    """What the log is called once it is rotated; `now` in seconds since the epoch.

    Unlike kubelet's, the stamp is in UTC: the order of names is the order of time, also
    in the night when the clocks are put back.
    """
    return f"{path}.{time.strftime(_STAMP, time.gmtime(now))}"


def is_taken(rotated: str) -> bool:
    """Whether there is a file of that name, compressed or not."""
    return os.path.exists(rotated) or os.path.exists(rotated + _COMPRESSED)


def stamp_of(path: str, rotated: str) -> str:
    """What follows the name of the log, without what compression adds."""
    return rotated.removeprefix(f"{path}.").removesuffix(_COMPRESSED)


def rotated_files(path: str) -> list[str]:
    """The rotated files that count, oldest first."""
    return sorted(_in_use(_all(path)))


def clean_up(path: str, keep: int) -> list[str]:
    """Remove what an interrupted rotation left, and the oldest beyond `keep`.

    Returns the rotated files that stay, oldest first.
    """
    found = _all(path)
    files = sorted(_in_use(found))
    excess = max(len(files) - keep, 0)
    for name in [*(found - set(files)), *files[:excess]]:
        with suppress(FileNotFoundError):
            os.unlink(name)
    return files[excess:]


def compress(name: str) -> None:
    """Put a compressed file in the place of `name`; a crash leaves one of the two.

    Raises:
        OSError: `name` is still there.
    """
    if name.endswith(_COMPRESSED):
        return
    temporary = name + _TEMPORARY
    try:
        with open(name, "rb") as source:
            mode = os.fstat(source.fileno()).st_mode & 0o777
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
            with (
                open(descriptor, "wb") as target,
                gzip.GzipFile("", "wb", _LEVEL, target) as packed,
            ):
                shutil.copyfileobj(source, packed, 256 * 1024)
        os.rename(temporary, name + _COMPRESSED)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    os.unlink(name)


def _all(path: str) -> set[str]:
    return set(glob.glob(f"{glob.escape(path)}.*"))


def _in_use(names: set[str]) -> set[str]:
    return {
        name
        for name in names
        if not name.endswith(_TEMPORARY) and name + _COMPRESSED not in names
    }
