"""Calling a Python function as the answer of a scripted container."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["call", "find"]


def call(target: str, argv: list[str], path: list[str]) -> int:
    """`function(argv)`, with sys.stdin, stdout and stderr; its result is the exit code.

    An exception is told as Python tells it, with exit code 1.
    """
    try:
        result = find(target, path)(argv)
    except SystemExit as error:
        result = error.code
    except Exception:  # noqa: BLE001 - the function is not ours
        import traceback

        traceback.print_exc()
        return 1
    if isinstance(result, str):
        sys.stderr.write(f"{result}\n")
        return 1
    return int(result or 0) & 0xFF


def find(target: str, path: list[str]) -> Callable[[Any], Any]:
    """The function that `module:function` or `file.py:function` names."""
    import importlib
    import site

    site.main()  # we were started without the installed packages
    sys.path[:0] = path
    where, _, name = target.rpartition(":")
    module = (
        _load_file(where) if where.endswith(".py") else importlib.import_module(where)
    )
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part)
    function: Callable[[Any], Any] = found
    return function


def _load_file(path: str) -> Any:
    import importlib.util

    spec = importlib.util.spec_from_file_location("scripted_callback", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
