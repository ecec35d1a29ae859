"""The user's editor, and the temporary file that it is given.

Source: kubernetes/kubectl pkg/cmd/util/editor/editor.go.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from apimachinery.go_text import quote
from kubectl_cli.errors import CommandError

__all__ = ["edit_file", "program_name", "write_file"]


def program_name() -> str:
    """What the user called us."""
    return os.path.basename(sys.argv[0])


def write_file(text: bytes, suffix: str) -> str:
    """A new temporary file with this text; its path."""
    descriptor, path = tempfile.mkstemp(suffix, f"{program_name()}-edit-")
    with open(descriptor, "wb") as stream:
        stream.write(text)
    return path


def edit_file(path: str) -> bytes:
    """What the user's editor makes of the file, which stays where it is.

    Raises:
        CommandError: the editor cannot be run or fails, or has removed the file.
    """
    command, name = _command(path)
    try:
        code = subprocess.call(command)
    except FileNotFoundError as error:
        # Go looks only for plain names in PATH, so a path that is wrong just fails.
        if "/" not in command[0]:
            raise CommandError(f"unable to launch the editor {quote(name)}") from error
        code = 1
    except OSError:
        code = 1
    if code:
        raise CommandError(f"there was a problem with the editor {quote(name)}")
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise CommandError(f"open {path}: {reason}") from None


def _command(path: str) -> tuple[list[str], str]:
    """The editor with its arguments, and how to call it when it fails.

    One with quotes is left to a shell.
    """
    editor = os.environ.get("KUBE_EDITOR") or os.environ.get("EDITOR") or "vi"
    if " " in editor and any(mark in editor for mark in "\"'\\"):
        shell = os.environ.get("SHELL") or "/bin/bash"
        return [shell, "-c", f"{editor} {quote(path)}"], f"{shell} -c {editor}"
    return [*editor.split(" "), path], editor
