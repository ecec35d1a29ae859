"""`mini-cri stop-all`: end all shims of a runtime, and all that runs below them.

Standard library only, so that it is done before a Python with gRPC would have started.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from pathlib import Path

from cri_runtime.shim.protocol import encode

__all__ = ["abandon", "stop_all"]

# What a container that is being killed may take; the kernel rarely needs 10 ms.
_PATIENCE_SECONDS = 10.0


def stop_all(root: str, state: str) -> int:
    """Stop; returns the exit code: 1 when something did not end in time."""
    sockets = sorted((Path(state).absolute() / "s").glob("*"))
    connections = [c for path in sockets if (c := _ask_to_stop(path)) is not None]
    ended = [_has_ended(connection) for connection in connections]
    for path in sockets:
        path.unlink(missing_ok=True)
    _mark_stopped(Path(root).absolute() / "sandboxes")
    return 0 if all(ended) else 1


def abandon(path: str) -> None:
    """See that nothing is left of a shim that was lost, dead or not.

    One that only its connection was taken from still runs its containers, and nobody
    would find it again.
    """
    connection = _ask_to_stop(Path(path))
    if connection is not None:
        connection.close()
    Path(path).unlink(missing_ok=True)


def _ask_to_stop(path: Path) -> socket.socket | None:
    """Have a shim end all that runs below it, and itself; nobody waits for it here.

    Answers the connection, which ends with the shim; None: there is nobody.
    """
    try:
        directory = os.open(path.parent, os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_PATIENCE_SECONDS)
    try:
        connection.connect(f"/proc/self/fd/{directory}/{path.name}")
        connection.sendall(encode({"id": 1, "do": "shutdown"}))
    except OSError:
        connection.close()
        return None
    finally:
        os.close(directory)
    return connection


def _has_ended(connection: socket.socket) -> bool:
    """A shim hangs up when nothing of it is left."""
    with connection:
        try:
            while connection.recv(4096):
                pass
        except ConnectionResetError:
            return True
        except OSError:
            return False
    return True


def _mark_stopped(sandboxes: Path) -> None:
    """What a runtime would note; it finds the containers' ends beside their records."""
    for record in sandboxes.glob("*/sandbox.json"):
        with contextlib.suppress(OSError, ValueError):
            document = json.loads(record.read_text())
            document["ready"] = False
            scratch = record.with_name("sandbox.json.new")
            scratch.write_text(json.dumps(document, indent=1))
            os.replace(scratch, record)
