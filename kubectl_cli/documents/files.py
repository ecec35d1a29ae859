"""Files of the user, and why they cannot be read, in Go's words."""

from __future__ import annotations

from kubectl_cli.errors import CommandError

__all__ = ["read_file"]


def read_file(path: str) -> bytes:
    """All of it.

    Raises:
        CommandError: `open PATH: no such file or directory`.
    """
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        problem = (error.strerror or "").lower()
        raise CommandError(f"open {path}: {problem}") from None
