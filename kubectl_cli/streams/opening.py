"""From a pod's subresource to the user's terminal: what exec, attach and run share."""

from __future__ import annotations

import contextlib
import sys

from kubectl_cli.streams.carriers import open_session
from kubectl_cli.streams.signals import SignalPipe
from kubectl_cli.streams.tty import RawTerminal, is_terminal, size_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.streams.detaching import DetachKeys
    from kubectl_cli.streams.session import Sizes

__all__ = ["connect"]

_MAX_SIZE = 65535


def connect(
    factory: Factory,
    pod: JsonObject,
    subresource: str,
    query: Query,
    *,
    stdin: bool,
    tty: bool,
    redraw: bool = False,
    detach: DetachKeys | None = None,
) -> None:
    """Open the subresource's streams and run the session to its end.

    The terminal is made raw before the request, as kubectl does, so that what is
    typed early is not echoed twice. `redraw` sends a wrong size first, which makes a
    running program draw its screen anew.
    """
    streams = {"stderr": not tty, "stdin": stdin, "stdout": True, "tty": tty}
    metadata = pod["metadata"]
    path = (
        f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        f"/{subresource}"
    )
    wanted = [(name, "true") for name, asked in streams.items() if asked]
    sys.stdout.flush()
    sys.stderr.flush()
    holds_terminal = stdin and is_terminal(0)
    with contextlib.ExitStack() as stack:
        signals = stack.enter_context(SignalPipe(guard=holds_terminal))
        if tty:
            stack.enter_context(RawTerminal(0))
        sizes = _sizes(redraw=redraw) if tty else None
        session = open_session(factory.client, path, [*query, *wanted], streams)
        session.run(signals, sizes, detach=detach)


def _sizes(*, redraw: bool) -> Sizes | None:
    """The sizes of the terminal on stdout; None when there is none."""
    from kubectl_cli.streams.session import Sizes
    from wire.terminal import TerminalSize

    size = size_of(1)
    if size is None:
        return None
    first = [size]
    if redraw:
        # attach.go: "this call spawns a goroutine to monitor/update the terminal
        # size", which starts one larger to force a redraw
        larger = TerminalSize(
            min(size.width + 1, _MAX_SIZE), min(size.height + 1, _MAX_SIZE)
        )
        first = [larger, size]
    return Sizes(first, lambda: size_of(1))
