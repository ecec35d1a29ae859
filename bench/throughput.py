"""How fast a session's output comes and its input goes, in bytes a second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bench.exec_client import ExecClient

__all__ = ["BLOCK", "check", "download", "upload"]

BLOCK: Final = bytes(range(256)) * 128  # 32 KiB: one message


def download(client: ExecClient, size: int) -> float:
    """A command that prints so many bytes."""
    session = client.open("head", "-c", str(size), "/dev/zero")
    begun = time.perf_counter()
    check(sum(map(len, session.output())), size)
    return size / (time.perf_counter() - begun)


def upload(client: ExecClient, size: int) -> float:
    """A command that reads so many, in blocks."""
    session = client.open("sh", "-c", "cat >/dev/null", stdin=True)
    begun = time.perf_counter()
    for _ in range(size // len(BLOCK)):
        session.send(BLOCK)
    session.end_input()
    for _ in session.output():
        pass
    return size / (time.perf_counter() - begun)


def check(received: int, wanted: int) -> None:
    """A figure of what did not come whole is none."""
    if received != wanted:
        raise RuntimeError(f"{received} bytes of {wanted} came")
