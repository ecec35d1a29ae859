"""Records on disk: one JSON file each, replaced as a whole.

Written in the caller's own time: a few hundred bytes without fsync take less than handing
them to a thread, and what must be survived is kill -9, not the loss of power.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RecordStore", "write_json"]

logger = logging.getLogger(__name__)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Replace a file at once: whoever reads sees the old or the new one, whole."""
    scratch = path.with_name(f"{path.name}.new")
    scratch.write_text(json.dumps(document, indent=1))
    os.replace(scratch, path)


class RecordStore:
    """A directory a record, with the record's file in it and room for what belongs to it."""

    def __init__(self, root: Path, file_name: str) -> None:
        self._root = root
        self._file_name = file_name
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o711)

    def directory(self, identity: str) -> Path:
        """Where a record's belongings are."""
        return self._root / identity

    def save(self, identity: str, document: dict[str, Any]) -> None:
        """Write or replace a record."""
        directory = self.directory(identity)
        directory.mkdir(mode=0o711, exist_ok=True)
        write_json(directory / self._file_name, document)

    def load(self) -> dict[str, dict[str, Any]]:
        """All records. What was never completed is removed."""
        documents = {}
        for directory in sorted(self._root.iterdir()):
            try:
                text = (directory / self._file_name).read_text()
                documents[directory.name] = json.loads(text)
            except (OSError, ValueError) as error:
                logger.warning("record dropped: %s: %s", directory, error)
                shutil.rmtree(directory, ignore_errors=True)
        return documents

    def remove(self, identity: str) -> None:
        """Remove a record with all that belongs to it. Idempotent."""
        directory = self.directory(identity)
        try:
            (directory / self._file_name).unlink(missing_ok=True)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
