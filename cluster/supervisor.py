"""Starting and ending the processes of services.

A service is started in a session of its own, so that Ctrl-C at `mini-kube up` and the
end of the terminal do not reach it, with nothing as its input and a log file as its
output. What is running is known from the records alone (`cluster.records`), so any
later mini-kube can take over.
"""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cluster.processes import ProcessIdentity, end_processes, identify
from cluster.records import ServiceRecord, forget, read_record, write_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from cluster.layout import Layout
    from cluster.services import Service
    from cluster.settings import Tracing

__all__ = ["StartError", "StartedService", "end_services", "running", "start"]

GRACE: Final = 10.0
"""How many seconds a service has to end by itself after SIGTERM."""

_LONGEST_LOG: Final = 8 * 1024 * 1024


class StartError(Exception):
    """A service could not be started, or ended before it was ready."""


@dataclass(frozen=True, slots=True)
class StartedService:
    """A service that runs; `fresh` when it was started just now, by us."""

    service: Service
    record: ServiceRecord
    fresh: bool
    process: subprocess.Popen[bytes] | None = None

    def has_ended(self) -> bool:
        if self.process is not None:
            return self.process.poll() is not None
        return not self.record.process.is_running()

    def ending(self) -> str:
        """How it ended, in words."""
        code = None if self.process is None else self.process.poll()
        if code is None:
            return "ended"
        return f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"


def running(layout: Layout, name: str) -> ServiceRecord | None:
    """The record of a service whose process is there."""
    record = read_record(layout, name)
    if record is None or not record.process.is_running():
        return None
    return record


def start(layout: Layout, service: Service, tracing: Tracing) -> StartedService:
    """Start a service and record its process.

    Raises:
        StartError: the program is not there or cannot be run.
    """
    log = layout.log(service.name)
    _keep_short(log)
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            process = subprocess.Popen(
                service.start_command(tracing),
                cwd=layout.state,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
    except OSError as err:
        raise StartError(f"{service.name}: {service.command[0]}: {err}") from err
    # Our child keeps its pid until we have waited for it, so this names the right one.
    identity = identify(process.pid) or ProcessIdentity(process.pid, 0, "")
    record = ServiceRecord(
        service.name, identity, service.command, service.address, time.time()
    )
    write_record(layout, record)
    return StartedService(service, record, fresh=True, process=process)


def end_services(
    layout: Layout,
    records: Iterable[ServiceRecord],
    *,
    grace: float = GRACE,
    on_end: Callable[[ServiceRecord, bool], None] = lambda record, killed: None,
) -> None:
    """End the services at the same time and forget them."""
    by_process = {record.process: record for record in records}

    def ended(process: ProcessIdentity, killed: bool) -> None:
        record = by_process[process]
        forget(layout, record.service)
        on_end(record, killed)

    end_processes(by_process, grace=grace, on_end=ended)


def _keep_short(log: Path) -> None:
    """Set a long log aside as `NAME.log.1`."""
    try:
        long = log.stat().st_size > _LONGEST_LOG
    except FileNotFoundError:
        return
    if long:
        log.replace(log.with_name(f"{log.name}.1"))
