"""Playing a log file: what it holds, and what is added to it.

Its lines are those of a container's log, as CRI runtimes or docker write them.
Source: kubernetes-sigs/kwok pkg/kwok/server/debugging_logs.go.
"""

from __future__ import annotations

import json
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["decode", "follow"]

# Seconds between two looks at a file that has ended; there is no inotify in the
# standard library.
_PERIOD = 0.1


def follow(path: str) -> NoReturn:
    """Play until we are ended; a file that is not there yet is waited for."""
    rest, descriptor = b"", _open(path)
    while True:
        data = os.read(descriptor, 65536)
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            stream, text = decode(line)
            os.write(stream, text)
        if not data:
            time.sleep(_PERIOD)


def _open(path: str) -> int:
    """Open the file, and say so once while it is not there."""
    told = False
    while True:
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            if not told:
                sys.stderr.write(f"failed to open log file {path!r}: {error}\n")
                sys.stderr.flush()
            told = True
        time.sleep(_PERIOD)


def decode(line: bytes) -> tuple[int, bytes]:
    """The descriptor that a record went to, and its text; other lines go to stdout."""
    parts = line.split(b" ", 3)
    if len(parts) == 4 and parts[1] in (b"stdout", b"stderr"):
        end = b"" if parts[2].split(b":")[0] == b"P" else b"\n"
        return (2 if parts[1] == b"stderr" else 1), parts[3] + end
    try:
        record = json.loads(line)
        return (2 if record["stream"] == "stderr" else 1), record["log"].encode()
    except (ValueError, KeyError, TypeError, AttributeError):
        return 1, line + b"\n"
