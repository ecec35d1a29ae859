"""The files of a container that is a folder."""

from __future__ import annotations

import os

__all__ = ["Root"]

_MAX_LINKS = 40


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


class Root:
    """The container's files; its root is also where commands are run.

    Args:
        path: the folder that stands for `/`.
        mounts: what lies elsewhere on this machine: container path -> path here.
    """

    def __init__(self, path: str, mounts: dict[str, str] | None = None) -> None:
        self._path = os.path.realpath(path)
        self._mounts = {
            tuple(_parts(inside)): here for inside, here in (mounts or {}).items()
        }

    def real(self, path: str, *, follow: bool = True) -> str:
        """Where a path of the container is on this machine.

        Links are followed as if the root were the machine's, so none leads out of it.

        Raises:
            OSError: too many links.
        """
        done: list[str] = []
        todo, links = _parts(path), 0
        while todo:
            part = todo.pop(0)
            if part == "..":
                done[-1:] = []
                continue
            done.append(part)
            here = self._here(done)
            is_mount = tuple(done) in self._mounts
            if is_mount or not os.path.islink(here) or not (follow or todo):
                continue
            links += 1
            if links > _MAX_LINKS:
                raise OSError(40, "Too many levels of symbolic links")
            target = os.readlink(here)
            done = [] if target.startswith("/") else done[:-1]
            todo = _parts(target) + todo
        return self._here(done)

    def _here(self, parts: list[str]) -> str:
        for length in range(len(parts), 0, -1):
            if mount := self._mounts.get(tuple(parts[:length])):
                return os.path.join(mount, *parts[length:])
        return os.path.join(self._path, *parts)
