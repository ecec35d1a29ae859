"""`[[namespace/]pod:]path`: where `cp` copies from and to.

Source: kubernetes/kubectl pkg/cmd/cp/cp.go (extractFileSpec), filespec.go.
"""

from __future__ import annotations

import posixpath

from kubectl_cli.errors import CommandError
from wire.records import dataclass

__all__ = ["FileSpec", "archived_prefix", "parse_file_spec"]

_BAD = "filespec must match the canonical format: [[namespace/]pod:]file/path"


@dataclass(frozen=True, slots=True)
class FileSpec:
    """A path of this machine, or with a pod one of its container."""

    path: str
    pod: str = ""
    namespace: str = ""


def parse_file_spec(word: str) -> FileSpec:
    """Read one argument of `cp`."""
    owner, colon, path = word.partition(":")
    if not colon:
        return FileSpec(word)
    pieces = owner.split("/")
    if not owner or len(pieces) > 2:
        raise CommandError(_BAD)
    return FileSpec(path, pieces[-1], pieces[0] if len(pieces) == 2 else "")


def archived_prefix(path: str) -> str:
    """The start of the names that the pod's tar gives to what is at `path`.

    tar leaves out the slash at the start, and all up to the last `..`.
    """
    parts = posixpath.normpath(path.strip("/") or ".").split("/")
    while parts and parts[0] == "..":
        del parts[0]
    return "/".join(parts) or "."
