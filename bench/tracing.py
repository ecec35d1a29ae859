"""What a trace costs: off, to a file, to one who watches, as ratios of the same run."""

from __future__ import annotations

import contextlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from bench.table import Row
from bench.throughput import download, upload
from hops.blocking.admin import call_admin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.exec_client import ExecClient
    from bench.subject import Subject

__all__ = ["tracing"]

_SIZE = 64 * 2**20
_ROUNDS = 5

#: Asks a service for its events and throws them away, until it is ended.
_VIEWER = """
import socket, sys
with socket.socket(socket.AF_UNIX) as sock:
    sock.connect(sys.argv[1])
    sock.sendall(b'{"cmd": "trace_stream"}\\n')
    print(sock.recv(1 << 16)[:1], flush=True)
    while sock.recv(1 << 20):
        pass
"""


def tracing(subject: Subject) -> Iterator[Row]:
    """Bandwidth and latency in each mode, in turn; the median of the rounds' ratios."""
    sockets = subject.admin_sockets()
    modes: dict[str, Callable[[], AbstractContextManager[object]]] = {
        "off": contextlib.nullcontext,
        "to file": lambda: _to_file(sockets),
        "live viewer": lambda: _watched(sockets),
    }
    figures: dict[str, list[tuple[float, ...]]] = {mode: [] for mode in modes}
    with subject.client() as client, subject.client(spdy=True) as spdy:
        for _ in range(_ROUNDS):
            for mode, begin in modes.items():
                with begin():
                    figures[mode].append(_measure(client, spdy))
    for mode, rounds in figures.items():
        yield from _rows(mode, rounds, figures["off"])


def _rows(
    mode: str, rounds: list[tuple[float, ...]], off: list[tuple[float, ...]]
) -> Iterator[Row]:
    for index, name in enumerate(("WebSocket, out", "WebSocket, in", "SPDY, out")):
        text = f"trace {mode}: throughput, {name}"
        aim = 0.7 if mode == "to file" else None
        note = f"{_median(rounds, index) / 2**20:.0f} MiB/s"
        ratio = _ratio(rounds, off, index)
        yield Row(text, ratio, "", aim, "more", note=note)
    for index, name in ((3, "exec of true"), (4, "a line there and back")):
        text = f"trace {mode}: latency, {name}"
        aim = 1.3 if mode == "to file" else None
        note = f"{_median(rounds, index) * 1e3:.2f} ms"
        yield Row(text, _ratio(rounds, off, index), "", aim, note=note)


def _median(rounds: list[tuple[float, ...]], index: int) -> float:
    return statistics.median(each[index] for each in rounds)


def _ratio(
    rounds: list[tuple[float, ...]], off: list[tuple[float, ...]], index: int
) -> float:
    """Of what was measured one after the other, whatever else the machine did."""
    pairs = zip(rounds, off, strict=True)
    return statistics.median(own[index] / bare[index] for own, bare in pairs)


def _measure(client: ExecClient, spdy: ExecClient) -> tuple[float, ...]:
    """Bytes a second out, in, out over SPDY; seconds of `true`, and of a line."""
    return (
        download(client, _SIZE),
        upload(client, _SIZE),
        download(spdy, _SIZE),
        _true(client),
        _line(client),
    )


def _true(client: ExecClient) -> float:
    times = []
    for _ in range(60):
        begun = time.perf_counter()
        client.run("true")
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def _line(client: ExecClient) -> float:
    session = client.open("cat", stdin=True)
    answers = session.output()
    times = []
    for number in range(300):
        begun = time.perf_counter()
        session.send(b"line %d\n" % number)
        while not next(answers).endswith(b"\n"):
            pass
        times.append(time.perf_counter() - begun)
    session.end_input()
    for _ in answers:
        pass
    return statistics.median(times)


@contextlib.contextmanager
def _to_file(sockets: list[Path]) -> Iterator[None]:
    folder = tempfile.mkdtemp(prefix="mk-bench-trace-", dir="/tmp")
    try:
        for path in sockets:
            call_admin(str(path), {"cmd": "trace", "dir": folder})
        yield
    finally:
        for path in sockets:
            call_admin(str(path), {"cmd": "trace", "dir": None})
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _watched(sockets: list[Path]) -> Iterator[None]:
    viewers = [
        subprocess.Popen(
            [sys.executable, "-c", _VIEWER, str(path)], stdout=subprocess.PIPE
        )
        for path in sockets
    ]
    try:
        for viewer in viewers:
            if viewer.stdout is None or not viewer.stdout.readline():
                raise RuntimeError("a viewer got no answer")
        yield
    finally:
        for viewer in viewers:
            viewer.kill()
            viewer.communicate()
