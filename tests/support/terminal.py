"""A program in a terminal, and what a person would see of it."""

from __future__ import annotations

import pexpect
import pyte

__all__ = ["Terminal"]


class Terminal:
    """Runs a command under a PTY of a given size; use it in a `with`.

    `expect` waits for a text in the output and returns what came before it; `screen`
    shows the output as a terminal would.
    """

    def __init__(self, command, *, env, columns=80, lines=24, timeout=30):
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._child = pexpect.spawn(
            command[0],
            list(command[1:]),
            env=env,
            dimensions=(lines, columns),
            timeout=timeout,
            echo=True,
        )
        self._child.logfile_read = self
        self._child.delaybeforesend = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.close(force=True)

    def expect(self, text):
        """What came before `text` (no pattern)."""
        self._child.expect_exact(text)
        return self._child.before.decode()

    def send(self, text):
        self._child.send(text)

    def send_line(self, text):
        self._child.send(f"{text}\r")

    def control(self, letter):
        """Ctrl and a letter."""
        self._child.sendcontrol(letter)

    def resize(self, columns, lines):
        self._screen.resize(lines, columns)
        self._child.setwinsize(lines, columns)

    def signal(self, number):
        """Send a signal to the program itself."""
        self._child.kill(number)

    def wait(self):
        """Read to the end; the exit code, or minus the number of the signal."""
        self._child.expect(pexpect.EOF)
        self._child.wait()
        return (
            self._child.exitstatus
            if self._child.signalstatus is None
            else -self._child.signalstatus
        )

    @property
    def screen(self):
        """The lines as they stand, without trailing blanks."""
        return [line.rstrip() for line in self._screen.display]

    def write(self, data):
        """Called by pexpect with all that is read."""
        self._stream.feed(data)

    def flush(self):
        """Called by pexpect."""
