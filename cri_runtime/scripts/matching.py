"""Regular expressions that others wrote, matched in bounded time.

Python's `re` backtracks: a pattern such as `(a+)+$` takes for ever on a line that almost
fits, and the runtime serves all pods from one thread. `re` looks for signals while it
works, so a timer of ours can end it; it can in the main thread only, where the runtime is.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

__all__ = ["MatchTooLong", "find_in", "fits_whole"]

#: Seconds of processor time; what is reasonable takes some microseconds.
_LIMIT: Final = 0.2


class MatchTooLong(Exception):  # noqa: N818 - an answer
    """It was not known in time whether the pattern fits; the text says which."""


def fits_whole(pattern: re.Pattern[str], text: str) -> bool:
    """Whether the pattern is for the whole text.

    Raises:
        MatchTooLong: it takes too much time to tell.
    """
    with _interrupted_after(_LIMIT, pattern.pattern):
        return pattern.fullmatch(text) is not None


def find_in(pattern: re.Pattern[bytes], data: bytes) -> re.Match[bytes] | None:
    """Where in the bytes the pattern is first found.

    Raises:
        MatchTooLong: it takes too much time to tell.
    """
    with _interrupted_after(_LIMIT, pattern.pattern.decode("utf-8", "replace")):
        return pattern.search(data)


@contextmanager
def _interrupted_after(seconds: float, what: str) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only tests match elsewhere
        return

    def interrupt(*_: object) -> None:
        raise MatchTooLong(f"{what!r} takes too long to match")

    # The time of the processor, not the wall's: a busy machine is no bad pattern.
    before = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
