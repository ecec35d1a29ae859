"""A signal that asks a command to end while it waits for the server: code 1.

Source: kubernetes/kubectl pkg/util/interrupt/interrupt.go; with logs since 1.32.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager

from kubectl_cli.errors import SilentExitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["exits_when_interrupted"]

_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)


@contextmanager
def exits_when_interrupted() -> Iterator[None]:
    """End so, and not of the signal, in what follows or is decorated."""
    saved = {number: signal.signal(number, _end) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in saved.items():
            signal.signal(number, handler)


def _end(number: int, frame: object) -> None:
    raise SilentExitError
