"""Switching the trace of running services, over their admin sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hops.blocking_admin import AdminError, call_admin

if TYPE_CHECKING:
    from pathlib import Path

    from cluster.settings import Tracing

__all__ = ["set_trace"]


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
