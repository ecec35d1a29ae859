"""`exec --trace`: the frames of one session on all hops, as a sequence of five lanes.

Our own frames are always seen. When the cluster is ours (its kubeconfig says so in the
extension `mini-kube`), its services are asked to trace too, and their frames of the
same session id are put between ours.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Final, Self

from hops.blocking.admin import AdminError, call_admin
from hops.hop import Hop
from hops.pipe import Pipe
from hops.session import TraceParent, new_traceparent
from hops.taps.connection import ConnectionTap
from hops.trace import MemorySink, TraceEvent, connection_ids
from kubectl_cli.streams.trace_picture import draw

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory

__all__ = ["SessionTrace"]

EXTENSION = "mini-kube"
_PATIENCE: Final = 2.0  # seconds for an answer of a service


class SessionTrace:
    """One traced session, from `begin` to `end`."""

    def __init__(
        self, parent: TraceParent, sink: MemorySink, sockets: list[str], folder: str
    ) -> None:
        self._parent = parent
        self._sink = sink
        self._sockets = sockets
        self._folder = folder  # where the services write; "" for none
        self._switched: list[str] = []

    @classmethod
    def begin(cls, factory: Factory) -> Self:
        """Give the session an id, look at our connections, ask the services to trace."""
        extension: Any = factory.config.extensions.get(EXTENSION) or {}
        sockets = list((extension.get("adminSockets") or {}).values())
        folder = str(extension.get("traceDir") or "")
        parent, sink = new_traceparent(), MemorySink()
        client = factory.client
        new_id = connection_ids("mini-kubectl")

        def new_pipe() -> Pipe:
            return Pipe([ConnectionTap(sink, Hop.KUBECTL_APISERVER, new_id())])

        client.http.new_pipe = new_pipe
        client.trace_parent = str(parent)
        trace = cls(parent, sink, sockets, folder)
        if sockets and not folder:
            trace.switch_on()
        return trace

    def switch_on(self) -> None:
        """Let the services trace into a folder of ours."""
        self._folder = tempfile.mkdtemp(prefix="mini-kube-trace-")
        for path in self._sockets:
            try:
                call_admin(
                    path, {"cmd": "trace", "dir": self._folder}, timeout=_PATIENCE
                )
            except AdminError as error:
                print(f"warning: {path} does not trace: {error}", file=sys.stderr)
            else:
                self._switched.append(path)

    def end(self) -> None:
        """Switch off what was switched on, and print the picture on stderr."""
        for path in self._switched or self._sockets:
            # the answer comes after the lines before it were written
            off = {"cmd": "trace", "dir": None}
            command = off if path in self._switched else {"cmd": "ping"}
            try:
                call_admin(path, command, timeout=_PATIENCE)
            except AdminError:
                continue
        events = [*self._sink.events, *self._of_services()]
        if self._switched:
            shutil.rmtree(self._folder, ignore_errors=True)
        sys.stdout.flush()
        sys.stderr.write(draw(self._parent.trace_id, events))

    def _of_services(self) -> list[TraceEvent]:
        """The services' events of our session."""
        if not self._folder or not os.path.isdir(self._folder):
            return []
        events: list[TraceEvent] = []
        for name in sorted(os.listdir(self._folder)):
            if name.endswith(".jsonl"):
                path = os.path.join(self._folder, name)
                events += _read(path, self._parent.trace_id)
        return events


def _read(path: str, trace_id: str) -> list[TraceEvent]:
    import json

    events = []
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if trace_id not in line:
                continue
            try:
                events.append(TraceEvent(**json.loads(line)))
            except (ValueError, TypeError):
                continue  # a line that is being written
    return [event for event in events if event.trace == trace_id]
