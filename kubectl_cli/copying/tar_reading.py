"""Unpacking what a pod's tar says, which may be made to do harm.

Only files and folders are made, and only below the target: no links, no devices. No
name leads out of it, not through `..`, nor over a link that is there already. What the
headers take of memory is bounded, and files have as many bytes as came.

Source of names and texts: kubernetes/kubectl pkg/cmd/cp/cp.go (untarAll).
"""

from __future__ import annotations

import os
import posixpath
import shutil
import sys
import tarfile
from contextlib import closing, suppress

from kubectl_cli.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, BinaryIO

__all__ = ["Unpacker"]

_CORRUPTED = "tar contents corrupted"
_BUFFER = 256 * 1024
_MAX_HEADER = 1024 * 1024  # of a long name, or of a pax header
_MAX_DEPTH = 4096
_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class _Entry(tarfile.TarInfo):
    """Refuses what would take much memory or time, before it is read.

    No `tar cf` makes any of it: headers for all that follows, maps of sparse files,
    headers for headers, sizes below zero.
    """

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if (
            self.type in (tarfile.GNUTYPE_SPARSE, tarfile.XGLTYPE)
            or self.size < 0
            or (self.type in _HEADERS and self.size > _MAX_HEADER)
        ):
            raise CommandError(_CORRUPTED)
        entry: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        if entry.size < 0:  # a pax header may have said so
            raise CommandError(_CORRUPTED)
        return entry

    def _refuse_map(self, *_: object) -> None:
        raise CommandError(_CORRUPTED)

    _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse_map


class Unpacker:
    """Unpacks a stream to `target`, which stands for `prefix` in the pod.

    `hint` is the command that brings links as well; it is shown with the first.
    """

    def __init__(self, prefix: str, target: str, hint: str) -> None:
        self._prefix = prefix
        self._target = target
        self._hint = hint

    def unpack(self, stream: BinaryIO) -> None:
        """Read to the end of the stream.

        Raises:
            CommandError: it is no tar, or not all of one.
            OSError: a file cannot be made.
        """
        try:
            archive = tarfile.open(  # noqa: SIM115 - closed below
                fileobj=stream,
                mode="r|",
                bufsize=_BUFFER,
                tarinfo=_Entry,
                encoding="utf-8",
                errors="surrogateescape",
            )
            with closing(archive):
                while (entry := archive.next()) is not None:
                    archive.members = []  # type: ignore[attr-defined]
                    self._take(archive, entry)
        except tarfile.TarError as error:
            text = str(error)
            is_cut = "end of data" in text or "empty" in text or "truncated" in text
            raise CommandError(
                "unexpected EOF" if is_cut else "archive/tar: invalid tar header"
            ) from None
        except (RecursionError, ValueError):
            # headers that never come to an end, numbers that are none
            raise CommandError("archive/tar: invalid tar header") from None
        while stream.read(_BUFFER):
            pass

    def _take(self, archive: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        path = self._place(entry.name)
        shown = posixpath.join(self._target, *path) if path else self._target
        if path is None:
            shown = posixpath.normpath(f"{self._target}/{entry.name}")
            _warn(f'file "{shown}" is outside target destination, skipping')
        elif entry.issym() or entry.islnk():
            self._skip_link(entry, shown)
        elif entry.isdir():
            os.close(self._folder(path))
        elif entry.isreg() and not entry.issparse():
            content = archive.extractfile(entry)
            assert content is not None  # noqa: S101 - a regular file has content
            with content:
                self._write(path, content, shown)
        else:
            _warn(f'skipping special file: "{shown}"')

    def _place(self, name: str) -> list[str] | None:
        """The steps from the target to the entry; None when they lead out of it."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        wanted = [] if self._prefix == "." else self._prefix.split("/")
        if parts[: len(wanted)] != wanted:
            raise CommandError(_CORRUPTED)
        rest = parts[len(wanted) :]
        if ".." in rest or len(rest) > _MAX_DEPTH or any("\0" in p for p in rest):
            return None
        return rest

    def _skip_link(self, entry: tarfile.TarInfo, shown: str) -> None:
        kind = "symlink" if entry.issym() else "hard link"
        text = f'skipping {kind}: "{shown}" -> "{entry.linkname}"'
        if self._hint:
            text += f' (consider using "{self._hint}")'
            self._hint = ""
        _warn(text)

    def _folder(self, path: list[str]) -> int:
        """A descriptor of the folder, which is made; no step follows a link."""
        shown = self._target
        try:
            _make_folders(self._target)
            # The target itself may be a link: the user has named it.
            folder = os.open(self._target, _FOLDER & ~os.O_NOFOLLOW)
            for step in path:
                shown = posixpath.join(shown, step)
                folder = _step_into(folder, step)
        except OSError as error:
            raise _failure("mkdir", shown, error) from None
        return folder

    def _write(self, path: list[str], content: IO[bytes], shown: str) -> None:
        descriptor = self._create(path, shown)
        with open(descriptor, "wb") as file:
            shutil.copyfileobj(content, file, _BUFFER)

    def _create(self, path: list[str], shown: str) -> int:
        if not path:
            _make_folders(os.path.dirname(self._target) or ".")
            flags = _NEW_FILE & ~os.O_NOFOLLOW & ~os.O_NONBLOCK
            try:
                return os.open(self._target, flags | os.O_TRUNC, 0o666)
            except OSError as error:
                raise _failure("open", shown, error) from None
        folder = self._folder(path[:-1])
        try:
            descriptor = os.open(path[-1], _NEW_FILE | os.O_TRUNC, 0o666, dir_fd=folder)
        except OSError as error:
            raise _failure("open", shown, error) from None
        finally:
            os.close(folder)
        return descriptor


def _make_folders(path: str) -> None:
    """Go's MkdirAll: a file in the way is named."""
    try:
        os.makedirs(path, 0o755, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        while not os.path.lexists(path):
            path = os.path.dirname(path)
        raise CommandError(_shown(f"mkdir {path}: not a directory")) from None


def _step_into(folder: int, name: str) -> int:
    """Make and open a folder in an open one, which is closed."""
    try:
        with suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=folder)
        return os.open(name, _FOLDER, dir_fd=folder)
    finally:
        os.close(folder)


def _failure(what: str, shown: str, error: OSError) -> CommandError:
    problem = (error.strerror or str(error)).lower()
    return CommandError(_shown(f"{what} {shown}: {problem}"))


def _warn(text: str) -> None:
    print(_shown(f"warning: {text}"), file=sys.stderr)


def _shown(text: str) -> str:
    """Names come from the pod: nothing of them may steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)
