"""Switching the trace of running services, over their admin sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from cluster.settings import Tracing

__all__ = ["AdminError", "set_trace"]


class AdminError(Exception):
    """A service did not do what its admin socket was asked."""


def set_trace(admin_socket: Path, tracing: Tracing) -> None:
    """Trace as it is said there; not at all when there is no folder.

    Raises:
        AdminError: the service cannot be reached, or refuses.
    """
    from hops.admin import call_admin  # loads asyncio, which `up` can do without

    request = {"cmd": "trace", "dir": tracing.folder or None}
    if tracing.data_bytes:
        request["bytes"] = tracing.data_bytes
    try:
        answer = call_admin(str(admin_socket), request)
    except (OSError, ValueError) as err:
        raise AdminError(f"{admin_socket}: {err}") from err
    if not answer.get("ok"):
        raise AdminError(f"{admin_socket}: {answer.get('error')}")
