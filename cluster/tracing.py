"""Where traces go, and switching that of running services over their admin sockets."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.settings import SettingsError
from hops.blocking.admin import AdminError, call_admin

if TYPE_CHECKING:
    from cluster.settings import Tracing

__all__ = ["make_folder", "set_trace"]


def make_folder(path: str) -> None:
    """See that services can write a trace there, before one is told to.

    Raises:
        SettingsError: they cannot; the text says why.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as err:
        raise SettingsError(
            f"no trace can be written to {path}: {err.strerror}"
        ) from err


def set_trace(admin_socket: Path, tracing: Tracing) -> None:
    """Trace as it is said there; not at all when there is no folder.

    Raises:
        AdminError: the service cannot be reached, or refuses.
    """
    request = {"cmd": "trace", "dir": tracing.folder or None}
    if tracing.data_bytes:
        request["bytes"] = tracing.data_bytes
    try:
        call_admin(str(admin_socket), request)
    except AdminError as err:
        raise AdminError(f"{admin_socket}: {err}") from err
