"""The user's terminal: raw while a session has it, and always given back.

Source: kubernetes/kubectl pkg/util/term/term.go (Safe, GetSize), moby/term MakeRaw.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from wire.terminal import TerminalSize

__all__ = ["RawTerminal", "has_terminal", "is_terminal", "size_of"]

_IFLAG, _OFLAG, _CFLAG, _LFLAG, _CC = 0, 1, 2, 3, 6


def is_terminal(descriptor: int) -> bool:
    """Whether this is a terminal; a closed descriptor is none."""
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def has_terminal() -> bool:
    """Whether stdin is a terminal; says so when it is none."""
    if is_terminal(0):
        return True
    print(
        "Unable to use a TTY - input is not a terminal or the right kind of file",
        file=sys.stderr,
    )
    return False


def size_of(descriptor: int) -> TerminalSize | None:
    """The size of the terminal, None when this is no terminal."""
    from wire.terminal import TerminalSize  # without a terminal there is no need of it

    try:
        columns, lines = os.get_terminal_size(descriptor)
    except OSError:
        return None
    return TerminalSize(columns, lines)


class RawTerminal:
    """A terminal in raw mode from `with` to its end, or to the end of the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._saved: list[Any] | None = None

    def __enter__(self) -> Self:
        self._saved = termios.tcgetattr(self._descriptor)
        # Whatever ends this process by way of Python gives the terminal back.
        atexit.register(self.restore)
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, _raw(self._saved))
        return self

    def __exit__(self, *_: object) -> None:
        self.restore()

    def restore(self) -> None:
        """Give the terminal back as it was; a second time does nothing."""
        saved, self._saved = self._saved, None
        if saved is not None:
            atexit.unregister(self.restore)
            # A terminal that hung up has no settings any more.
            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, saved)


def _raw(attributes: list[Any]) -> list[Any]:
    """cfmakeraw(3): no echo, no lines, no signals, eight bits, output untouched."""
    raw = list(attributes)
    raw[_IFLAG] &= ~(
        termios.IGNBRK
        | termios.BRKINT
        | termios.PARMRK
        | termios.ISTRIP
        | termios.INLCR
        | termios.IGNCR
        | termios.ICRNL
        | termios.IXON
    )
    raw[_OFLAG] &= ~termios.OPOST
    raw[_LFLAG] &= ~(
        termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN
    )
    raw[_CFLAG] = (raw[_CFLAG] & ~(termios.CSIZE | termios.PARENB)) | termios.CS8
    raw[_CC] = list(raw[_CC])
    raw[_CC][termios.VMIN], raw[_CC][termios.VTIME] = 1, 0
    return raw
