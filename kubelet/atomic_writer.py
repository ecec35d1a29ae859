"""Writes the files of a volume so that readers see all old or all new.

    ..2026_11_22_07_00_00.123456/   the files
    ..data -> ..2026_11_22_…        switched by one rename
    ca.crt -> ..data/ca.crt         what users see

Source: kubernetes/kubernetes pkg/volume/util/atomic_writer.go.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubelet.volume_payload import File, Payload

__all__ = ["InvalidPathError", "write_payload"]

_DATA = "..data"


class InvalidPathError(ValueError):
    """A file of the payload would lie outside of the volume."""


def write_payload(directory: str, payload: Payload) -> bool:
    """Make the directory hold exactly this payload; True when something changed.

    Raises:
        InvalidPathError, OSError
    """
    for path in payload:
        _check(path)
    os.makedirs(directory, mode=0o755, exist_ok=True)
    current = _current(directory)
    if current and _same(current, payload):
        return False
    fresh = _write_fresh(directory, payload)
    link = os.path.join(directory, "..data_tmp")
    with suppress(FileNotFoundError):
        os.unlink(link)
    os.symlink(os.path.basename(fresh), link)
    os.rename(link, os.path.join(directory, _DATA))
    _link_names(directory, payload)
    if current:
        shutil.rmtree(current, ignore_errors=True)
    return True


def _check(path: str) -> None:
    parts = path.split("/")
    if not path or path.startswith("/") or ".." in parts or parts[0].startswith(".."):
        raise InvalidPathError(f"invalid path: {path}")


def _current(directory: str) -> str | None:
    try:
        target = os.readlink(os.path.join(directory, _DATA))
    except FileNotFoundError:
        return None
    return os.path.join(directory, target)


def _same(current: str, payload: Payload) -> bool:
    found = {
        os.path.relpath(os.path.join(folder, name), current)
        for folder, _, names in os.walk(current)
        for name in names
    }
    if found != payload.keys():
        return False
    return all(_holds(os.path.join(current, path), f) for path, f in payload.items())


def _holds(path: str, wanted: File) -> bool:
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            return mode == wanted.mode & 0o777 and file.read() == wanted.content
    except OSError:
        return False


def _write_fresh(directory: str, payload: Payload) -> str:
    stamp = time.strftime("..%Y_%m_%d_%H_%M_%S.", time.gmtime())
    fresh = tempfile.mkdtemp(prefix=stamp, dir=directory)
    os.chmod(fresh, 0o755)  # noqa: S103 - containers of any user read here
    for path, file in payload.items():
        target = os.path.join(fresh, path)
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(file.content)
            os.fchmod(stream.fileno(), file.mode & 0o777)
    return fresh


def _link_names(directory: str, payload: Payload) -> None:
    """One link for each name at the top; those that lead nowhere any more go."""
    wanted = {path.split("/")[0] for path in payload}
    for name in os.listdir(directory):
        if not name.startswith("..") and name not in wanted:
            os.unlink(os.path.join(directory, name))
    for name in wanted:
        with suppress(FileExistsError):
            os.symlink(os.path.join(_DATA, name), os.path.join(directory, name))
