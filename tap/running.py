"""One tap from its start to Ctrl-C: its folder, its trace, its control socket."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hops.admin import AdminServer
from hops.hops import Hops
from hops.trace import TraceSettings, parse_bytes
from tap.errors import TapError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from hops.cluster_view import ClusterView
    from hops.hop import Hop

__all__ = ["TapFolder", "TapServer", "run_tap"]


class TapServer(Protocol):
    """One kind of tap."""

    hop: Hop

    async def start(self) -> list[str]:
        """Listen; answers the lines that say how to go on. Raises TapError, OSError."""

    async def close(self) -> None:
        """End all connections."""


MakeTap = (
    "Callable[[argparse.Namespace, Hops, TapFolder, ClusterView | None], TapServer]"
)


@dataclass(frozen=True, slots=True)
class TapFolder:
    """Where a tap keeps its keys and its sockets: this user's alone, gone at the end.

    Attributes:
        trace: where its trace is written; that stays.
        admin: its control socket, also where `mini-kube trace` of a cluster looks.
    """

    path: Path
    trace: Path
    admin: Path


async def run_tap(
    kind: str,
    make: Callable[
        [argparse.Namespace, Hops, TapFolder, ClusterView | None], TapServer
    ],
    options: argparse.Namespace,
    view: ClusterView | None,
) -> int:
    """Serve until SIGINT or SIGTERM.

    Raises:
        TapError, OSError: it cannot start.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    folder = _make_folder(kind, options, view, os.environ)
    hops = Hops(f"tap-{kind}")
    try:
        tap = make(options, hops, folder, view)
        await _serve(tap, hops, folder, options, stop)
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)
    return 0


async def _serve(
    tap: TapServer,
    hops: Hops,
    folder: TapFolder,
    options: argparse.Namespace,
    stop: asyncio.Event,
) -> None:
    settings = TraceSettings(parse_bytes(options.bytes), secrets=options.show_secrets)
    admin = AdminServer(hops, str(folder.admin))
    try:
        # What the tap does to look at the real component is neither told nor broken.
        lines = await tap.start()
        await _add_faults(admin, hops, tap.hop, options.fault)
        await admin.start()
        hops.trace_to(folder.trace, settings)
        print(*lines, sep="\n")
        print(f"trace: {folder.trace}; Ctrl-C ends the tap", flush=True)
        if options.live:
            _show_live(folder.admin)
        await stop.wait()
    finally:
        await tap.close()
        await admin.close()
        hops.trace_to(None)
    print(f"\nTo look at it: mini-kube trace list -a --dir {folder.trace}", flush=True)


async def _add_faults(
    admin: AdminServer, hops: Hops, hop: Hop, wanted: list[str]
) -> None:
    """Let `mini-kube fault` reach the tap, and set those of the command line."""
    from faults.parameters import RuleError
    from faults.rules import Rule
    from faults.service import serve_faults
    from faults.speech import check_speech

    service = serve_faults(admin, hops)
    for number, text in enumerate(wanted, 1):
        rule = _fault_rule(text, hop, number)
        try:
            check_speech(Rule.from_json(rule).kind, hop)
            await service.add({"rule": rule})
        except RuleError as err:
            raise TapError(f"--fault {text}: {err}") from err


def _fault_rule(text: str, hop: Hop, number: int) -> dict[str, object]:
    """`TYPE`, or `TYPE:name=value,...`."""
    kind, _, words = text.partition(":")
    attributes: dict[str, object] = {}
    for word in filter(None, words.split(",")):
        name, equals, value = word.partition("=")
        if not equals:
            raise TapError(f"--fault {text}: {word!r} is not name=value")
        attributes[name] = _value(value)
    name = f"{kind}-{number}"
    return {"name": name, "type": kind, "hop": str(hop), "attributes": attributes}


def _value(text: str) -> object:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text, text)


def _show_live(admin: Path) -> None:
    """Print a line a session, in a thread: reading the stream blocks."""
    from traces.filter import all_of
    from traces.live.feed import LiveFeed
    from traces.live.plain import follow_sessions

    def show() -> None:
        with LiveFeed(lambda: {"tap": admin}) as feed:
            follow_sessions(feed, all_of([]), background=True)

    threading.Thread(target=show, name="live", daemon=True).start()


def _make_folder(
    kind: str,
    options: argparse.Namespace,
    view: ClusterView | None,
    environment: Mapping[str, str],
) -> TapFolder:
    # Short, since sockets lie in it (unix(7): 107 bytes); mkdtemp makes it 0700.
    base = environment.get("XDG_RUNTIME_DIR")
    usable = base is not None and len(base) < 60 and os.path.isdir(base)
    path = Path(tempfile.mkdtemp(prefix="mk-tap-", dir=base if usable else None))
    admin = path / "tap.admin"
    if view is not None and view.sockets.is_dir():
        admin = view.sockets / f"tap-{kind}-{os.getpid()}.admin"
    return TapFolder(path, _trace_folder(kind, options, environment), admin)


def _trace_folder(
    kind: str, options: argparse.Namespace, environment: Mapping[str, str]
) -> Path:
    if options.trace_dir:
        return Path(options.trace_dir).absolute()
    state = environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    moment = time.strftime("%Y%m%d-%H%M%S")
    return Path(state) / "mini-kube-tap" / f"{kind}-{moment}-{os.getpid()}"


def report(error: Exception) -> int:
    """Say why it did not start."""
    print(f"mini-kube tap: {error}", file=sys.stderr)
    return 1
