"""Several logs at once."""

from __future__ import annotations

import io
from contextlib import nullcontext
from threading import Event
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_cli.errors import CommandError
from kubectl_cli.logs.merging import LogStreams

if TYPE_CHECKING:
    from collections.abc import Iterator


class Log(nullcontext[Any]):
    """One line, and then `read` is set."""

    def __init__(self, line: bytes, read: Event) -> None:
        super().__init__()
        self._line = line
        self._read = read

    def chunks(self) -> Iterator[bytes]:
        yield self._line
        self._read.set()

    def interrupt(self) -> None:
        pass


def test_a_log_that_is_waited_for_holds_up_no_other(monkeypatch) -> None:
    stdout = SimpleNamespace(buffer=io.BytesIO(), flush=lambda: None)
    monkeypatch.setattr("sys.stdout", stdout)
    is_read = Event()
    streams = LogStreams(prefix=False, ignore_errors=False)

    def too_late() -> Any:
        is_read.wait()
        raise CommandError("context deadline exceeded")

    def running() -> Any:
        return Log(b"running\n", is_read)

    streams.add("", too_late)
    streams.add("", running)

    with pytest.raises(CommandError, match="deadline"):
        streams.run()
    assert stdout.buffer.getvalue() == b"running\n"
