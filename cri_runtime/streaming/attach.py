"""Serving an attach: the shim copies a container's streams to pipes, and we to the client.

Source: kubernetes/cri-streaming pkg/streaming/remotecommand/attach.go; containerd/containerd
internal/cri/server/container_attach.go.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cri_runtime.errors import CriError
from cri_runtime.execs import Streams, check_running
from cri_runtime.shim_client import ShimError
from cri_runtime.streaming.sizes import Sizes
from hops.tasks import spawn
from wire.exit_status import ExitResult, internal_error
from wire.remotecommand import StreamOptions

if TYPE_CHECKING:
    from cri_runtime.containers import Containers
    from cri_runtime.execs import Execs
    from cri_runtime.records import Container
    from cri_runtime.sandboxes import Sandboxes
    from cri_runtime.streaming.requests import PendingRequest
    from cri_runtime.streaming.session import Session

__all__ = ["serve_attach"]


async def serve_attach(
    session: Session,
    execs: Execs,
    sandboxes: Sandboxes,
    containers: Containers,
    container: Container,
    request: PendingRequest,
) -> ExitResult:
    """Copy until the container ends or the client leaves. The exit code is not reported."""
    options = request.options
    played = execs.attachment(container)
    if played is not None:
        return await _serve_played(session, execs, container, played)
    streams = Streams.pipes(options)
    try:
        check_running(container)
        shim = sandboxes.shim(container.sandbox_id)
        session.on_resize = Sizes(shim, container.id).put
        if session.size is not None:  # it came with the streams, before we listened
            session.on_resize(session.size)
        await shim.request(
            "attach",
            # in the order that the shim takes them
            descriptors=[streams.theirs[n] for n in _NAMES if n in streams.theirs],
            container=container.id,
            **{name: True for name in _NAMES if name in streams.theirs},
        )
        streams.close_theirs()
        config = container.config
        session.tell(
            "up",
            "attached",
            container=config.metadata.name,
            wanted=[name for name in _NAMES if getattr(options, name)],
            stdin=config.stdin,
            tty=config.tty,
        )
        session.connect(streams.ends)
        if options.stdout or options.stderr:
            await session.outputs_ended.wait()
        else:
            await _stdin_or_container_ended(session, containers, container)
    except (CriError, ShimError) as error:
        return internal_error(f"error attaching to container: {error}")
    finally:
        session.on_resize = None
        streams.close()
    return ExitResult()


_NAMES = ("stdin", "stdout", "stderr")


async def _serve_played(
    session: Session, execs: Execs, container: Container, command: list[str]
) -> ExitResult:
    """Attach to a command that plays what the container is to have said."""
    try:
        running = await execs.start_unscripted(
            container, command, StreamOptions(stdout=True, stderr=True)
        )
    except CriError as error:
        return internal_error(f"error attaching to container: {error}")
    left = spawn("attached client", session.left.wait())
    try:
        session.connect(running.streams.ends)
        ended = spawn("attached player", session.outputs_ended.wait())
        await asyncio.wait({left, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
    finally:
        left.cancel()
        running.streams.close()
        await running.kill()
    return ExitResult()


async def _stdin_or_container_ended(
    session: Session, containers: Containers, container: Container
) -> None:
    tasks = {
        spawn("attached stdin", session.stdin_ended.wait()),
        spawn("attached container", containers.wait(container)),
    }
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
