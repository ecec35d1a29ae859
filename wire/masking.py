"""The mask of a WebSocket frame: the payload, XORed with four bytes over and over.

Python does it as one operation on long integers, the C code of `websockets` 80 times
faster. Of that package only this one file is loaded, and only for a payload worth it:
the package itself costs 50 ms of a program's start.

Source: RFC 6455 section 5.3.
"""

from __future__ import annotations

from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Mask = Callable[["bytes | bytearray | memoryview", bytes], bytes]

__all__ = ["apply_mask"]

_WORTH_LOADING = 4096  # bytes: from here on Python takes over 10 microseconds
_PACKAGE, _MODULE = "websockets", "websockets.speedups"


def apply_mask(data: bytes | bytearray | memoryview, mask: bytes) -> bytes:
    """XOR `data` with the 4-byte `mask`, repeated."""
    if len(data) >= _WORTH_LOADING and (in_c := _c_code()) is not None:
        return in_c(data, mask)
    return _in_python(data, mask)


def _in_python(data: bytes | bytearray | memoryview, mask: bytes) -> bytes:
    size = len(data)
    repeated = (mask * (size // 4 + 1))[:size]
    masked = int.from_bytes(data, "little") ^ int.from_bytes(repeated, "little")
    return masked.to_bytes(size, "little")


@cache
def _c_code() -> Mask | None:
    """`websockets.speedups.apply_mask`, None where there is none."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    package = PathFinder.find_spec(_PACKAGE)
    spec = package and PathFinder.find_spec(_MODULE, package.submodule_search_locations)
    if spec is None or spec.loader is None:
        return None
    try:
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError:
        return None  # built for another machine
    mask: Mask = module.apply_mask
    return mask
