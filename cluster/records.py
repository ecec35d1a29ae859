"""Which process is which service: a small file a service, written when it starts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certs.files import write_atomically
from cluster.processes import ProcessIdentity

if TYPE_CHECKING:
    from pathlib import Path

    from cluster.layout import Layout

__all__ = ["ServiceRecord", "forget", "read_record", "read_records", "write_record"]


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """A service that was started: its process, its command and its address.

    `started` is wall clock in seconds.
    """

    service: str
    process: ProcessIdentity
    command: tuple[str, ...]
    address: str
    started: float


def write_record(layout: Layout, record: ServiceRecord) -> None:
    document: dict[str, Any] = {
        **record.process.to_json(),
        "command": record.command,
        "address": record.address,
        "started": record.started,
    }
    write_atomically(layout.record(record.service), json.dumps(document).encode())


def read_record(layout: Layout, service: str) -> ServiceRecord | None:
    """The record of a service; None when it was never started, or was ended."""
    return _read(layout.record(service))


def read_records(layout: Layout) -> list[ServiceRecord]:
    """All records, by name."""
    paths = sorted(layout.records.glob("*.json"))
    return [record for path in paths if (record := _read(path)) is not None]


def forget(layout: Layout, service: str) -> None:
    layout.record(service).unlink(missing_ok=True)


def _read(path: Path) -> ServiceRecord | None:
    try:
        document = json.loads(path.read_bytes())
        return ServiceRecord(
            service=path.stem,
            process=ProcessIdentity.from_json(document),
            command=tuple(document["command"]),
            address=str(document["address"]),
            started=float(document["started"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return None  # a half-made record names no process that we could vouch for
