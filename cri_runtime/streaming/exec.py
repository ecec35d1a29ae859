"""Serving an exec: start the command, join its streams to the client's, report its end.

Source: kubernetes/cri-streaming pkg/streaming/remotecommand/exec.go; containerd/containerd
internal/cri/server/container_exec.go.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from cri_runtime.errors import CriError
from cri_runtime.streaming.holders import holders
from wire.exit_status import ExitResult, exited, internal_error

if TYPE_CHECKING:
    from cri_runtime.execs import Execs
    from cri_runtime.records import Container
    from cri_runtime.streaming.requests import PendingRequest
    from cri_runtime.streaming.session import Session
    from wire.terminal import TerminalSize

__all__ = ["serve_exec"]

logger = logging.getLogger(__name__)

# Seconds that a terminal's command waits for the terminal's size. Clients send it behind
# their request; a command that asks for it first thing must not see 0x0
# (kubernetes/kubernetes issue 47990). Unlike containerd, which lets the two race.
SIZE_PATIENCE = 0.1

# Seconds after a command's end in which its output usually ends, too.
_SOON = 0.1


async def serve_exec(
    session: Session, execs: Execs, container: Container, request: PendingRequest
) -> ExitResult:
    """Run the command to its end, and to the end of its output; returns the outcome."""
    options, command = request.options, list(request.command)
    size = await session.first_size(SIZE_PATIENCE) if options.tty else None
    try:
        running = await execs.start(container, command, options, size)
    except CriError as error:
        session.tell("down", "not started", reason=str(error))
        return internal_error(
            f"error executing command in container: failed to exec in container: {error}"
        )
    streams = running.streams
    session.tell("up", "started", command=command, **_terminal(options.tty, size))
    try:
        session.on_resize = running.resize
        session.connect(streams.ends)
        code = await asyncio.shield(running.exited)
        session.tell("down", "exited", code=code)
        logger.debug("exec ended", extra={"exec": running.id, "code": code})
        await _output_end(session)
    finally:
        session.on_resize = None
        streams.close()
    return exited(code, command)


def _terminal(tty: bool, size: TerminalSize | None) -> dict[str, Any]:
    """What a trace says of the command's terminal."""
    if not tty:
        return {}
    return {"tty": True, "terminal": [size.width, size.height] if size else None}


async def _output_end(session: Session) -> None:
    """Wait for it; say for whom, if somebody looks on."""
    if session.is_watched:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SOON):
                await session.outputs_ended.wait()
                return
        found = await asyncio.to_thread(holders, session.open_outputs)
        session.tell(
            "",
            "output held",
            pids=[holder.pid for holder in found],
            commands=[holder.command for holder in found],
        )
    await session.outputs_ended.wait()
