"""ExecSync: a command's whole output and its exit code, as probes want it.

Source: containerd/containerd internal/cri/server/container_execsync.go.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cri_runtime.errors import Code, CriError
from cri_runtime.stdio import OutputPipe
from hops.clock import answer_timeout
from wire.remotecommand import StreamOptions

if TYPE_CHECKING:
    from cri_runtime.execs import Execs, RunningExec
    from cri_runtime.records import Container

__all__ = ["MAX_OUTPUT", "SyncResult", "run"]

# maxExecSyncOutputSize: what goes beyond is thrown away without a word
MAX_OUTPUT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What came of it."""

    stdout: bytes
    stderr: bytes
    exit_code: int


class _Collector:
    """Keeps the first bytes of a stream."""

    def __init__(self, descriptor: int) -> None:
        self._data = bytearray()
        self._ended = asyncio.Event()
        self.pipe = OutputPipe(descriptor, self._receive, self._ended.set)

    def _receive(self, data: bytes) -> None:
        self._data += data[: MAX_OUTPUT - len(self._data)]

    async def whole(self) -> bytes:
        await self._ended.wait()
        return bytes(self._data)


async def run(
    execs: Execs, container: Container, command: list[str], timeout_seconds: int
) -> SyncResult:
    """Run to the end, and to the end of the output, even if others hold it open.

    Raises:
        CriError: not running, not startable, or DeadlineExceeded.
    """
    try:
        options = StreamOptions(stdout=True, stderr=True)
        running = await execs.start(container, command, options)
    except CriError as error:
        raise error.within("failed to exec in container") from error
    stdout = _Collector(running.streams.ends.pop("stdout"))
    stderr = _Collector(running.streams.ends.pop("stderr"))
    try:
        async with answer_timeout(timeout_seconds if timeout_seconds > 0 else None):
            return await _collect(running, stdout, stderr)
    except TimeoutError:
        raise CriError(
            f"failed to exec in container: timeout {timeout_seconds}s exceeded: "
            "context deadline exceeded",
            Code.DEADLINE_EXCEEDED,
        ) from None
    finally:
        if not running.exited.done():
            await running.kill()
        stdout.pipe.close()
        stderr.pipe.close()


async def _collect(
    running: RunningExec, stdout: _Collector, stderr: _Collector
) -> SyncResult:
    code = await asyncio.shield(running.exited)
    return SyncResult(await stdout.whole(), await stderr.whole(), code)
