"""Sockets of the shims: where they listen, and the claim on a pod's address."""

from __future__ import annotations

import contextlib
import os
import socket

__all__ = ["claim_address", "listen_unix"]


def listen_unix(path: str) -> socket.socket:
    """Listen at a path that only our user may use. A dead predecessor's socket is replaced.

    The path goes through the directory's descriptor, since a socket address holds 107 bytes.
    """
    directory, name = os.path.split(path)
    descriptor = os.open(directory, os.O_DIRECTORY | os.O_CLOEXEC)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        listener.bind(f"/proc/self/fd/{descriptor}/{name}")
        listener.listen(16)
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(mask)
        os.close(descriptor)
    return listener


def claim_address(candidates: list[str]) -> tuple[str, socket.socket | None]:
    """Take the first address that no other pod of this machine has; the socket is the claim.

    The claim is an abstract socket named after the address: unique in the network namespace
    whoever runs the cluster, and gone with the last process that holds it.

    Raises:
        OSError: all candidates are taken.
    """
    if not candidates:
        return "", None
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    for address in candidates:
        try:
            claim.bind(f"\0mini-kube/pod-address/{address}")
        except OSError:
            continue
        return address, claim
    claim.close()
    raise OSError("no pod address is free")
