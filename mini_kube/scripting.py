"""Scripts of containers as tests write them: with functions, bytes and relative paths."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mini_kube.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["make_script"]


def make_script(
    script: Mapping[str, Any] | None, files: Mapping[str, str | bytes] | None
) -> dict[str, Any]:
    """The script as a pod carries it: JSON, with paths that hold in any folder.

    A function stands as `call`; it is found again by its file and name, and the folders
    from which this program imports are those from which it may. Bytes stand wherever a
    text may.

    Raises:
        ClusterError: a function has no name in a file, as a lambda.
    """
    made: dict[str, Any] = _plain(script or {})
    given = {**made.get("files", {}), **_plain(files or {})}
    if given:
        made["files"] = given
    if root := made.get("root"):
        made["root"] = str(Path(root).absolute())
    if "python_path" in made:
        made["python_path"] = [str(Path(p).absolute()) for p in made["python_path"]]
    elif _calls(made):
        made["python_path"] = [str(Path(p).absolute()) for p in sys.path if p]
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return _text(value)
    return _target(value) if callable(value) else value


def _text(data: bytes) -> str | dict[str, str]:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _target(function: Any) -> str:
    name = getattr(function, "__qualname__", "<")
    code = getattr(function, "__code__", None)
    if "<" in name or code is None:
        raise ClusterError(f"{function!r}: only functions of a module can be called")
    return f"{Path(code.co_filename).absolute()}:{name}"


def _calls(value: Any) -> bool:
    if isinstance(value, dict):
        return "call" in value or any(map(_calls, value.values()))
    return isinstance(value, list) and any(map(_calls, value))
