"""A file or a tree of this machine as the tar that a pod unpacks.

Symbolic links stay links. What is neither file, folder nor link is left out.

Source: kubernetes/kubectl pkg/cmd/cp/cp.go (recursiveTar).
"""

from __future__ import annotations

import os
import sys
import tarfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["write_tar"]


def write_tar(output: BinaryIO, path: str, name: str) -> None:
    """Write what is at `path`, under `name`."""
    # GNU's long names are understood by every tar, and may be any bytes.
    with tarfile.TarFile(
        fileobj=_Sequential(output),  # type: ignore[arg-type]  # all it needs
        mode="w",
        format=tarfile.GNU_FORMAT,
        encoding="utf-8",
        errors="surrogateescape",
    ) as archive:
        _add(archive, path, name)


class _Sequential:
    """A pipe that knows how much was written to it, as TarFile asks."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._written = 0
        self.name = ""
        self.mode = "wb"

    def write(self, data: bytes) -> int:
        self._written += len(data)
        return self._output.write(data)

    def tell(self) -> int:
        return self._written


def _add(archive: tarfile.TarFile, path: str, name: str) -> None:
    entry = archive.gettarinfo(path, arcname=name)
    if entry is None or not (entry.isreg() or entry.isdir() or _is_link(entry)):
        print(f"warning: skipping special file: {path}", file=sys.stderr)
        return
    archive.members = []  # type: ignore[attr-defined]  # it would keep them all
    if not entry.isreg():
        archive.addfile(entry)
    else:
        with open(path, "rb") as content:
            archive.addfile(entry, content)
    if entry.isdir():
        for each in sorted(os.listdir(path)):
            _add(archive, os.path.join(path, each), f"{name}/{each}")


def _is_link(entry: tarfile.TarInfo) -> bool:
    return entry.issym() or entry.islnk()
