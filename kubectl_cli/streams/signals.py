"""Signals of a session, as bytes on a pipe that a poll loop can wait for."""

from __future__ import annotations

import os
import signal

from kubectl_cli.errors import SilentExitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Self

__all__ = ["SignalPipe"]

# kubectl/pkg/util/interrupt: what ends a command that holds the terminal
_ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)


class SignalPipe:
    """Catches SIGWINCH, and with `guard` the signals that end us, while entered.

    kubectl guards its terminal so: these signals give it back and end with code 1.
    Without a terminal to give back they end us as they end any process.
    """

    def __init__(self, *, guard: bool) -> None:
        self._guard = guard
        self._saved: dict[signal.Signals, object] = {}
        self._resized = False
        self._ended = False

    def __enter__(self) -> Self:
        self.descriptor, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._old_wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._catch(signal.SIGWINCH, self._on_resize)
        if self._guard:
            for number in _ENDING:
                self._catch(number, self._on_end)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._saved.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # as it gave it
        self._saved.clear()
        signal.set_wakeup_fd(self._old_wakeup)
        os.close(self.descriptor)
        os.close(self._writer)

    def _catch(self, number: signal.Signals, handler: object) -> None:
        self._saved[number] = signal.signal(number, handler)  # type: ignore[arg-type]

    def _on_resize(self, number: int, frame: FrameType | None) -> None:
        self._resized = True

    def _on_end(self, number: int, frame: FrameType | None) -> None:
        self._ended = True

    def drain(self) -> bool:
        """Empty the pipe; whether the terminal may have a new size.

        Raises:
            SilentExitError: a signal asks us to end.
        """
        while True:
            try:
                if not os.read(self.descriptor, 64):
                    break
            except BlockingIOError:
                break
        if self._ended:
            raise SilentExitError(1)
        resized, self._resized = self._resized, False
        return resized
