"""Files that appear whole or not at all, private ones readable by their owner only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PRIVATE", "PUBLIC", "write_atomically"]

PRIVATE = 0o600
PUBLIC = 0o644


def write_atomically(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Replace `path` with `content` by a rename, so that no reader sees half of it.

    The mode is set when the file is made: a private key is never readable by others,
    not even for a moment.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
