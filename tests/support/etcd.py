"""A real etcd for tests: one process, loopback, free ports, a folder of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.support.tools import tool_or_skip

__all__ = ["Etcd"]

_PATIENCE = 30.0


class Etcd:
    """Use it in a `with`. `restart` keeps the data, the port and the name.

    Args:
        tls: (CA, certificate, key) PEM files; clients then need a certificate of that CA.
    """

    def __init__(self, *, tls: tuple[Path, Path, Path] | None = None) -> None:
        self._program = tool_or_skip("etcd", "etcd-server")
        self._tls = tls
        self._folder = Path(tempfile.mkdtemp(prefix="mk-etcd-", dir="/tmp"))
        self._port, self._peer_port, self._metrics_port = _free_ports(3)
        self._process: subprocess.Popen[bytes] | None = None
        scheme = "http" if tls is None else "https"
        self.port = self._port
        self.url = f"{scheme}://127.0.0.1:{self._port}"

    def __enter__(self) -> Etcd:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it and wait until it is healthy."""
        peer = f"http://127.0.0.1:{self._peer_port}"
        flags = [
            "--name=t",
            f"--data-dir={self._folder / 'data'}",
            f"--listen-client-urls={self.url}",
            f"--advertise-client-urls={self.url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=t={peer}",
            # quick elections; the least time of a lease follows from them
            "--heartbeat-interval=20",
            "--election-timeout=100",
            "--log-level=warn",
        ]
        if self._tls is not None:
            ca, cert, key = self._tls
            flags += ["--client-cert-auth", f"--trusted-ca-file={ca}"]
            flags += [f"--cert-file={cert}", f"--key-file={key}"]
            # health without a client certificate
            flags += [f"--listen-metrics-urls=http://127.0.0.1:{self._metrics_port}"]
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            [str(self._program), *flags], stdout=log, stderr=log
        )
        log.close()
        self._await_healthy()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def _await_healthy(self) -> None:
        url = self.url
        if self._tls is not None:
            url = f"http://127.0.0.1:{self._metrics_port}"
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{url}/health", timeout=1) as answer:
                    if json.load(answer)["health"] == "true":
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError((self._folder / "log").read_text())


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
