"""tar for `kubectl cp`: a directory of the container to stdout, or stdin into it.

tar cf - PATH...        tar xf - [-C DIR]        tar tf -
"""

from __future__ import annotations

import os
import sys
import tarfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cri_runtime.images.programs.root import Root

__all__ = ["tar"]

_FAILED = 2  # GNU tar's code for what could not be done


def tar(root: Root, arguments: list[str]) -> int:
    """Do it; the exit code."""
    mode, folder, paths = _parse(arguments)
    try:
        if mode == "c":
            return _create(root, folder, paths)
        if mode == "x":
            return _extract(root, folder)
        if mode == "t":
            return _list()
    except (tarfile.TarError, OSError) as error:
        return _fail(str(error))
    return _fail("You must specify one of the '-Acdtrux', '--delete' options")


def _parse(arguments: list[str]) -> tuple[str, str, list[str]]:
    """What to do (c, x, t), in which folder, with what."""
    letters, folder, paths = "", "/", []
    words = iter(arguments)
    for position, word in enumerate(words):
        if word in ("-C", "--directory"):
            folder = next(words, "/")
        elif word.startswith("--"):
            folder = word.partition("=")[2] if word.startswith("--dir") else folder
        elif word.startswith("-") and word != "-":
            letters += word[1:]
        elif position == 0:
            letters += word
        elif word != "-":
            paths.append(word)
    return next((c for c in letters if c in "cxt"), ""), folder, paths


def _create(root: Root, folder: str, paths: list[str]) -> int:
    code = 0
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        for path in paths:
            name = path.strip("/") if path.startswith("/") else path.rstrip("/")
            if path.startswith("/"):
                sys.stderr.write("tar: Removing leading `/' from member names\n")
            try:
                _add(archive, root, os.path.join(folder, path), name or ".")
            except OSError as error:
                code = _fail(f"{path}: Cannot stat: {error.strerror}")
    if code:
        sys.stderr.write("tar: Exiting with failure status due to previous errors\n")
    return code


def _add(archive: tarfile.TarFile, root: Root, path: str, name: str) -> None:
    """A file, or a folder and all below it. The last link is kept as it is."""
    archive.add(root.real(path, follow=False), name, filter=_as_root)


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _extract(root: Root, folder: str) -> int:
    where = root.real(folder)
    if not os.path.isdir(where):
        return _fail(f"{folder}: Cannot open: No such file or directory")
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|*") as archive:
        for member in archive:
            member.name = _inside(root, folder, member.name)
            archive.extract(member, "/", set_attrs=True, filter="fully_trusted")
            if not member.issym():
                os.chmod(f"/{member.name}", member.mode)
    return 0


def _inside(root: Root, folder: str, name: str) -> str:
    """A member's place on this machine, which is in the container for certain."""
    return root.real(os.path.join(folder, name.lstrip("/")), follow=False).lstrip("/")


def _list() -> int:
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|*") as archive:
        for member in archive:
            sys.stdout.write(f"{member.name}{'/' if member.isdir() else ''}\n")
    return 0


def _fail(text: str) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"tar: {text}\n")
    return _FAILED
