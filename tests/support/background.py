"""A command that goes on while the test acts, and whose output is awaited by line."""

from __future__ import annotations

import selectors
import signal
import subprocess
import time

__all__ = ["Background"]

_PATIENCE = 30.0


class Background:
    """Runs a command; at the end of the `with` it is interrupted, as by Ctrl-C."""

    def __init__(self, command, *, env, stdin=subprocess.DEVNULL):
        self._process = subprocess.Popen(
            [str(word) for word in command],
            env=env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.lines = []
        self._rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=_PATIENCE)

    @property
    def pid(self):
        return self._process.pid

    def line(self, holds):
        """The next line of output of which `holds` is true, or that has that text."""
        test = (lambda line: holds in line) if isinstance(holds, str) else holds
        deadline = time.monotonic() + _PATIENCE
        while True:
            while b"\n" in self._rest:
                line, _, self._rest = self._rest.partition(b"\n")
                self.lines.append(line.decode())
                if test(self.lines[-1]):
                    return self.lines[-1]
            self._rest += self._read(deadline)

    def wait(self):
        """The rest of both outputs, and the exit code in `code`."""
        out, err = self._process.communicate(timeout=_PATIENCE)
        self.lines += (self._rest + out).decode().splitlines()
        self.error = err.decode()
        return self._process.returncode

    def _read(self, deadline):
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(deadline - time.monotonic()):
                raise AssertionError(f"nothing more came after {self.lines}")
        data = self._process.stdout.read1()
        if not data:
            code = self.wait()
            raise AssertionError(f"ended with {code}: {self.lines} {self.error}")
        return data
