"""The process that holds a cluster for a program, and ends it with that program.

`mini_kube.Cluster` starts one keeper a cluster, in a session of its own, so that neither
Ctrl-C nor the end of a terminal reaches it. The keeper brings the cluster up, says so in
one line of JSON, and waits for its owner's end: for the end of its stdin, which the owner
closes when it is done, and for the death of the owner's process (pidfd_open(2)), which a
forked child that still holds the pipe must not hide. Then it ends every process of the
cluster and removes its folder.

So a cluster is ended whatever becomes of the program: return, exception, Ctrl-C, SIGKILL.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.down import delete
from cluster.layout import LayoutError, locate
from cluster.report import Report
from cluster.services import services
from cluster.settings import ClusterSettings, SettingsError, read_settings
from cluster.supervisor import StartError
from cluster.up import bring_up
from hops.blocking.admin import AdminError

if TYPE_CHECKING:
    from cluster.layout import Layout

__all__ = ["main"]


def main() -> int:
    """Hold the cluster that the first line of stdin describes; 1: it did not start.

    The only argument is the folder that is ours, and that we remove.
    """
    folder = Path(sys.argv[1])
    line = _first_line()
    if not line.endswith(b"\n"):
        # The owner was killed before it had said what it wants.
        shutil.rmtree(folder, ignore_errors=True)
        return 1
    request = json.loads(line)
    layout = locate(request["name"], folder / "state", os.environ, Path.home())
    owner = _Owner(request["owner"])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with (folder / "keeper.log").open("w") as log:
        report = Report(log)
        try:
            with owner.interrupting():
                answer = _start(layout, request, report)
            _say(answer)
            if answer["ok"]:
                owner.wait()
        except KeyboardInterrupt:
            answer = {"ok": False}
        finally:
            # From here on nothing must stop us.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            delete(layout, report)
    shutil.rmtree(folder, ignore_errors=True)
    return 0 if answer["ok"] else 1


def _start(layout: Layout, request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Bring the cluster up; the answer for the owner."""
    wanted = ClusterSettings(name=request["name"], sockets=str(layout.sockets))
    try:
        wanted = replace(wanted, **request["settings"])
        if request["traces"]:
            wanted = replace(wanted, trace_dir=str(layout.state / "trace"))
        bring_up(layout, wanted, report, timeout=request["timeout"])
        settings = read_settings(layout.settings)
    except (
        StartError,
        SettingsError,
        LayoutError,
        AdminError,
        OSError,
        TypeError,
    ) as error:
        return {"ok": False, "error": str(error)}
    if settings is None:
        return {"ok": False, "error": f"{layout.settings} is gone"}
    return {
        "ok": True,
        "state": str(layout.state),
        "sockets": str(layout.sockets),
        "nodes": list(settings.node_names),
        "server": services(settings, layout)[0].address,
        "admin_sockets": {
            service.name: str(service.admin_socket)
            for service in services(settings, layout)
            if service.admin_socket is not None
        },
    }


def _first_line() -> bytes:
    """Byte by byte: nothing that is said later may be waiting in a buffer."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line


def _say(answer: dict[str, Any]) -> None:
    # The owner may be gone already.
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(answer).encode() + b"\n")


class _Owner:
    """The program we work for. `pid` is its process; it may be gone already."""

    def __init__(self, pid: int) -> None:
        self._descriptors = [0]
        with contextlib.suppress(ProcessLookupError):
            self._descriptors.append(os.pidfd_open(pid))
        self._gone = len(self._descriptors) == 1

    def wait(self, stop: int = -1) -> bool:
        """Wait for its end; False when something came at the descriptor `stop` first."""
        poller = select.poll()
        for descriptor in (*self._descriptors, *([stop] if stop >= 0 else ())):
            poller.register(descriptor, select.POLLIN)
        while not self._gone:
            ready = {descriptor for descriptor, _ in poller.poll()}
            if stop in ready:
                return False
            # Nothing is said at stdin but its end.
            self._gone = 0 not in ready or not os.read(0, 4096)
        return True

    @contextlib.contextmanager
    def interrupting(self) -> Any:
        """Have our main thread interrupted when the owner ends meanwhile."""
        reader, writer = os.pipe()
        main_thread = threading.get_ident()

        def watch() -> None:
            if self.wait(reader):
                signal.pthread_kill(main_thread, signal.SIGINT)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            os.close(writer)
            thread.join()
            os.close(reader)


if __name__ == "__main__":
    sys.exit(main())
