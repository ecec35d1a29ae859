"""What the fields of KWOK's objects hold, as far as we read them.

Source: kubernetes-sigs/kwok pkg/apis/v1alpha1 {exec,attach,logs,port_forward}_types.go.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["ShapeError", "check_shape"]


class ShapeError(ValueError):
    """A field holds something else; the text says where."""


_TEXT, _NUMBER, _PORT = "a text", "a whole number", "a port"
#: A mapping has these fields, and may have others; a list of one item has such items.
_SHAPE: Final[dict[str, Any]] = {
    "metadata": {"name": _TEXT, "namespace": _TEXT},
    "spec": {
        "selector": {"matchNamespaces": [_TEXT], "matchNames": [_TEXT]},
        "execs": [
            {
                "containers": [_TEXT],
                "local": {
                    "workDir": _TEXT,
                    "envs": [{"name": _TEXT, "value": _TEXT}],
                    "securityContext": {"runAsUser": _NUMBER, "runAsGroup": _NUMBER},
                },
            }
        ],
        "attaches": [{"containers": [_TEXT], "logsFile": _TEXT}],
        "logs": [{"containers": [_TEXT], "logsFile": _TEXT}],
        "forwards": [
            {
                "ports": [_PORT],
                "command": [_TEXT],
                "target": {"address": _TEXT, "port": _PORT},
            }
        ],
    },
}


def check_shape(document: Any) -> None:
    """Check all fields that are there.

    Raises:
        ShapeError: one holds something else.
    """
    _check(document, _SHAPE, "")


def _check(value: Any, shape: Any, where: str) -> None:
    if value is None:
        return  # as if it were not there
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            raise ShapeError(f"{where}: an object is expected")
        for name, inner in shape.items():
            _check(value.get(name), inner, f"{where}.{name}".lstrip("."))
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise ShapeError(f"{where}: a list is expected")
        for number, item in enumerate(value):
            _check(item, shape[0], f"{where}[{number}]")
    elif not _is(value, shape):
        raise ShapeError(f"{where}: {shape} is expected, not {value!r}")


def _is(value: Any, kind: str) -> bool:
    if kind == _TEXT:
        return isinstance(value, str)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and (kind == _NUMBER or 0 < value < 65536)
