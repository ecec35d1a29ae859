"""`--explain`: why the command waits, and why it failed, on stderr.

Our own frames are always seen. When the cluster is ours (its kubeconfig says so in the
extension `mini-kube`), its services tell theirs of the same session id, over their
admin sockets. A thread reads those, and after two seconds of silence says what is being
waited for; what there is to say in the end is said before the command's own error.

This loads what no other command line of mini-kubectl does; asyncio is not among it.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hops.hop import Hop
from hops.pipe import Pipe
from hops.session import new_traceparent
from hops.taps.connection import ConnectionTap
from hops.trace import MemorySink, connection_ids
from kubectl_cli.errors import CommandError
from traces.events import Event
from traces.explain.engine import explain
from traces.live.feed import LiveFeed

if TYPE_CHECKING:
    from collections.abc import Callable

    from hops.trace import TraceEvent
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from traces.explain.explanation import Explanation

__all__ = ["Explainer", "run_explained"]

_SILENCE: Final = 2.0  # seconds until a wait is worth a word
_TURN: Final = 0.25
_LAST_WORDS: Final = 0.3  # seconds that services have to tell the end of a session
_EXTENSION: Final = "mini-kube"


def run_explained(
    run: Callable[[Options, Factory], int | None], options: Options, factory: Factory
) -> int:
    """Run a verb, and explain it meanwhile and afterwards."""
    if options.has("trace") and options.flag("trace"):
        raise CommandError("--trace and --explain cannot be used together")
    explainer = Explainer.begin(factory)
    try:
        return int(run(options, factory) or 0)
    finally:
        explainer.end()


class Explainer:
    """Explains one command, from `begin` to `end`.

    Args:
        trace: the session id of all its requests.
        sockets: admin sockets of the cluster's services, by name.
    """

    def __init__(self, trace: str, sink: MemorySink, sockets: dict[str, Path]) -> None:
        self._trace = trace
        self._sink = sink
        self._feed = LiveFeed(lambda: sockets) if sockets else None
        self._told: set[tuple[str, str]] = set()
        self._theirs: list[Event] = []
        self._offset = time.time() - time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @classmethod
    def begin(cls, factory: Factory) -> Explainer:
        """Give the command a session id, look at its connections, listen to services."""
        extension: Any = factory.config.extensions.get(_EXTENSION) or {}
        named = extension.get("adminSockets") or {}
        sockets = {name: Path(path) for name, path in named.items()}
        parent, sink = new_traceparent(), MemorySink()
        new_id = connection_ids("mini-kubectl")

        def new_pipe() -> Pipe:
            return Pipe([ConnectionTap(sink, Hop.KUBECTL_APISERVER, new_id())])

        client = factory.client
        client.http.new_pipe = new_pipe
        client.trace_parent = str(parent)
        explainer = cls(parent.trace_id, sink, sockets)
        explainer._listen()
        return explainer

    def _listen(self) -> None:
        """The services are joined before the first request is made."""
        if self._feed is not None:
            self._feed.join()
        self._thread.start()

    def end(self) -> None:
        """Say what was not said yet."""
        self._over.set()
        if self._feed is not None:
            self._feed.wake()
        self._thread.join()
        if self._feed is not None:
            self._take_rest()
            self._feed.close()
        self._tell(explain(self._events()))

    def _watch(self) -> None:
        """Until the end: listen, and speak after a silence."""
        while not self._over.is_set():
            if self._feed is not None:
                self._take(_TURN)
            else:
                self._over.wait(_TURN)
            events = self._events()
            now = time.monotonic()
            if events and now - max(event.ts for event in events) >= _SILENCE:
                found = explain(events, now)
                self._tell([one for one in found if one.kind == "wait"])

    def _take(self, patience: float) -> bool:
        """What the services tell of our session; whether they told anything."""
        assert self._feed is not None  # noqa: S101 - the callers have looked
        news = self._feed.read(patience)
        self._theirs += [
            one for one in news if isinstance(one, Event) and one.trace == self._trace
        ]
        return bool(news)

    def _take_rest(self) -> None:
        end = time.monotonic() + _LAST_WORDS
        while (left := end - time.monotonic()) > 0:
            if not self._take(left):
                return

    def _events(self) -> list[Event]:
        ours = [self._event(told, n) for n, told in enumerate(list(self._sink.events))]
        return ours + list(self._theirs)

    def _event(self, told: TraceEvent, number: int) -> Event:
        """As if it had been read from a file of ours."""
        fields = asdict(told)
        wall = told.ts + self._offset
        return Event(**fields, process="mini-kubectl", wall=wall, seq=number)

    def _tell(self, found: list[Explanation]) -> None:
        """Each rule once for each event."""
        for one in found:
            key = one.rule, f"{one.at.conn} {one.at.ts if one.kind != 'wait' else ''}"
            if key in self._told:
                continue
            self._told.add(key)
            # a terminal may be raw
            end = "\r\n" if sys.stderr.isatty() else "\n"
            sys.stdout.flush()
            sys.stderr.write(f"{one.kind}: {one.text}{end}")
            sys.stderr.flush()
