"""A container's log file, which the kubelet renames under us and asks to have opened anew."""

from __future__ import annotations

import os

from cri_runtime.shim.clock import wall_ns
from wire.cri_log import LogEncoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LogFile"]


class LogFile:
    """Appends the records of a container's streams to one file. No path: keeps no log."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1
        self._encoders: list[LogEncoder] = []
        if path:
            self._descriptor = _open(path)

    def stream(self, name: str) -> Callable[[bytes], None]:
        """The place where the raw output of `stdout` or `stderr` goes."""
        encoder = LogEncoder(name)
        self._encoders.append(encoder)
        return lambda data: self._write(encoder.receive_data(data, wall_ns()))

    def note(self, text: str) -> None:
        """A line of the runtime's own, for people, on stderr."""
        line = f"{text}\n".encode()
        self._write(LogEncoder("stderr").receive_data(line, wall_ns()))

    def reopen(self) -> None:
        """Go on in a fresh file of the same name.

        Raises:
            OSError: it cannot be made; the old file stays in use.
        """
        if self._path:
            fresh = _open(self._path)
            os.close(self._descriptor)
            self._descriptor = fresh

    def close(self) -> None:
        """Write what no newline has ended, and close."""
        for encoder in self._encoders:
            self._write(encoder.receive_eof(wall_ns()))
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, records: bytes) -> None:
        if self._descriptor < 0:
            return
        view = memoryview(records)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except OSError:
                # A full disk costs log lines, not the container.
                return


def _open(path: str) -> int:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    return os.open(path, flags, 0o640)
