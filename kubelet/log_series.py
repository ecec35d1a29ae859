"""Reads on from one file of a log to the next while the log is being rotated.

A reader may be slower than the rotation: while it is held up by its client, the file
it has open is renamed, compressed and even removed, and so are files it has not seen.
What it has open it can read to the end in any case; which file comes next is read from
the names.

Unlike kubelet, whose readers go on with the newest file and lose what is between.
"""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

from kubelet.log_files import rotated_files, stamp_of
from kubelet.log_tail import seek_to_tail

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["LogSeries"]

_ATTEMPTS = 20


class LogSeries:
    """The files of a log as one: opens the one being written, then those after it.

    Raises:
        OSError: the first cannot be opened.
    """

    def __init__(self, path: str, tail: int | None = None) -> None:
        self.path = path
        # The newest rotated file when the one we read was opened under the log's name.
        self._newest = ""
        # Under which stamp it is known since it was rotated itself.
        self._stamp: str | None = None
        #: The name under which the file that is read was opened.
        self.name = path
        self._file = self._open_current()
        if tail is not None:
            seek_to_tail(self._file, tail)
        #: How many bytes of the first file are left out.
        self.offset = self._file.tell()

    def read(self, size: int) -> bytes:
        """The next bytes of the file; b"" at its end, which may grow.

        Raises:
            OSError: or EOFError and zlib's own for a compressed file that is damaged.
        """
        return self._file.read(size)

    def has_successor(self) -> bool:
        """Whether there is a file to go on with, with something in it.

        Until something is in it, somebody may still write to the file before.
        """
        following = self._following()
        if following is None:
            return False
        try:
            return os.stat(following).st_size > 0
        except FileNotFoundError:
            return False  # compressed or rotated just now: look again

    def advance(self) -> bool:
        """Go on with the next file; call it once this one has been read to its end."""
        for _ in range(_ATTEMPTS):
            newest = self._newest_stamp()
            following = self._following()
            if following is None:
                return False
            try:
                fresh = _open(following)
            except FileNotFoundError:
                continue  # rotated or compressed just now
            if following != self.path:
                self._take(fresh, self._stamp_of(following), self._newest)
                self.name = following
                return True
            if self._following() == self.path:
                self._take(fresh, None, max(newest, self._stamp or ""))
                self.name = self.path
                return True
            fresh.close()
        return False

    def _take(self, file: BinaryIO, stamp: str | None, newest: str) -> None:
        self._file.close()
        self._file, self._stamp, self._newest = file, stamp, newest

    def close(self) -> None:
        self._file.close()

    def _open_current(self) -> BinaryIO:
        """The file being written, and no rotation between looking and opening."""
        while True:
            before = self._newest_stamp()
            file = _open(self.path)
            if before == self._newest_stamp() and self._is_still(file):
                self._newest = before
                return file
            file.close()

    def _following(self) -> str | None:
        """The name of the file after ours; None while ours is the newest."""
        if self._is_still(self._file):
            self._stamp = None  # it may have been put back
            return None
        rotated = rotated_files(self.path)
        if self._stamp is None:
            later = [s for s in map(self._stamp_of, rotated) if s > self._newest]
            # We had the newest: what was rotated first since then is ours.
            self._stamp = later[0] if later else None
        if self._stamp is not None:
            for name in rotated:
                if self._stamp_of(name) > self._stamp:
                    return name
        return self.path if os.path.exists(self.path) else None

    def _is_still(self, file: BinaryIO) -> bool:
        """Whether this is the file that has the log's own name now."""
        try:
            named = os.stat(self.path)
        except FileNotFoundError:
            return False
        ours = os.fstat(file.fileno())
        return (named.st_ino, named.st_dev) == (ours.st_ino, ours.st_dev)

    def _newest_stamp(self) -> str:
        rotated = rotated_files(self.path)
        return self._stamp_of(rotated[-1]) if rotated else ""

    def _stamp_of(self, rotated: str) -> str:
        return stamp_of(self.path, rotated)


def _open(name: str) -> BinaryIO:
    if name.endswith(".gz"):
        return gzip.GzipFile(name)  # type: ignore[return-value]  # a file in all but name
    return open(name, "rb", buffering=0)
