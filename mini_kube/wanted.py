"""What a cluster was asked for, checked before anything of it is started."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, Final

from apimachinery.emulation import parse_minor

__all__ = ["check_wanted"]

_MOST_NODES: Final = 50
#: As `mini-kube up --name` takes it: part of host names and of paths of sockets.
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,22}[a-z0-9])?")
_POLICIES: Final = ("", "permissive", "strict")


def check_wanted(
    *,
    nodes: Any,
    name: Any,
    timeout: Any,
    emulate_version: Any,
    image_policy: Any,
    files: dict[str, Any],
) -> None:
    """Say what of the arguments of `Cluster` cannot be.

    Args:
        files: paths by the name of their argument; empty: none.

    Raises:
        ValueError: the text names the argument.
    """
    if not _is_whole(nodes) or not 1 <= nodes <= _MOST_NODES:
        raise ValueError(f"nodes: {nodes!r} is not from 1 to {_MOST_NODES}")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"name: {name!r}: lower-case letters, digits and '-', at most 24"
        )
    if not _is_time(timeout):
        raise ValueError(f"timeout: {timeout!r} is no time in seconds")
    if image_policy not in _POLICIES:
        raise ValueError(f"image_policy: {image_policy!r} is not permissive or strict")
    if emulate_version:
        _check_version(emulate_version)
    for argument, path in files.items():
        if path and not Path(path).is_file():
            raise ValueError(f"{argument}: {str(path)!r} is no file")


def _check_version(version: Any) -> None:
    try:
        parse_minor(str(version))
    except ValueError as err:
        raise ValueError(f"emulate_version: {err}") from None


def _is_whole(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def _is_time(seconds: Any) -> bool:
    is_number = isinstance(seconds, float) or _is_whole(seconds)
    return is_number and math.isfinite(seconds) and seconds > 0
