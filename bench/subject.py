"""The cluster that is measured: its own state folder, its commands, its memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.exec_client import ExecClient
from bench.forward_client import Forwarding
from certs.pki import Pki
from cluster.api import ApiClient
from cluster.layout import Layout
from cluster.records import read_records
from cluster.services import API_SERVER, authority
from cluster.settings import ClusterSettings, read_settings
from hops.blocking.client import BlockingClient
from hops.blocking.tls import TlsSettings

__all__ = ["Subject"]

_PODS = "/api/v1/namespaces/default/pods"


class Subject:
    """A cluster that was up once and has a pod. Use it in a `with`."""

    pod = "nginx"

    def __init__(self, kubectl: Path | None) -> None:
        self.kubectl = kubectl
        self._folder = Path(tempfile.mkdtemp(prefix="mk-bench-", dir="/tmp"))
        self._state = self._folder / "state"
        self._env = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(self._folder),
            "HOME": str(self._folder),
            "KUBECONFIG": str(self._state / "kubeconfig"),
        }
        # As after any first start: with it, each would compile all sources again.
        self._env.pop("PYTHONDONTWRITEBYTECODE", None)

    def __enter__(self) -> Subject:
        self.up()
        self.create_pod(self.pod)
        return self

    def __exit__(self, *_: object) -> None:
        self._mini_kube("delete")
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def pki(self) -> Pki:
        return Pki(self._layout.pki)

    @property
    def node(self) -> str:
        return self._settings.node_names[0]

    def up(self) -> None:
        # A log of the size that is measured would be rotated while it is read.
        self._mini_kube("up", "--kubelet-arg=container-log-max-size=-1")

    def down(self) -> None:
        self._mini_kube("down")

    def mini_kubectl(self, *arguments: str) -> None:
        self._run(Path(sys.executable).with_name("mini-kubectl"), *arguments)

    def real_kubectl(self, *arguments: str) -> None:
        if self.kubectl is not None:
            self._run(self.kubectl, *arguments)

    def client(self, *, spdy: bool = False) -> ExecClient:
        """A client for exec in the pod."""
        return ExecClient(self._server, self._tls, self.pod, spdy=spdy)

    def forwarding(self, port: int, *, spdy: bool) -> Forwarding:
        """A forward to a port of the pod."""
        return Forwarding(self._server, self._tls, self.pod, port, spdy=spdy)

    @property
    def _server(self) -> str:
        settings = self._settings
        where = authority(settings.client_host, settings.ports[API_SERVER])
        return f"https://{where}"

    @property
    def _tls(self) -> TlsSettings:
        admin = self.pki.admin
        return TlsSettings(
            ca_file=str(self.pki.ca_cert),
            cert_file=str(admin.cert),
            key_file=str(admin.key),
        )

    def admin_sockets(self) -> list[Path]:
        """The control sockets of the services."""
        return sorted(self._folder.rglob("*.admin"))

    def memory(self) -> dict[str, int]:
        """Resident bytes of each service."""
        return {
            record.service: _resident(record.process.pid)
            for record in read_records(self._layout)
        }

    def log(self, pod: str, query: str) -> bytes:
        """The log of a pod."""
        with BlockingClient(self._server, tls=self._tls) as client:
            return client.request("GET", f"{_PODS}/{pod}/log?{query}").body

    def log_size(self, pod: str, query: str) -> int:
        """Read the log of a pod; how many bytes it has."""
        with (
            BlockingClient(self._server, tls=self._tls) as client,
            client.stream("GET", f"{_PODS}/{pod}/log?{query}") as answer,
        ):
            return sum(map(len, answer.chunks()))

    def create_pod(self, name: str, *command: str) -> float:
        """Create a pod; seconds until it is Ready."""
        container = {"name": "c", "image": "busybox" if command else "nginx"}
        if command:
            container["command"] = list(command)  # type: ignore[assignment]  # JSON
        manifest = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {"containers": [container]},
        }
        with closing(self._api()) as api:
            api.items(_PODS)  # the connection is there
            begun = time.perf_counter()
            api.create(_PODS, manifest)
            self._await_ready(api, name)
            return time.perf_counter() - begun

    def first_exec(self) -> None:
        """Exec in the pod as soon as it can be done after a start."""
        with self.client() as client:
            while True:
                try:
                    if client.run("true") == 0:
                        return
                except RuntimeError:
                    time.sleep(0.005)  # its container is not there yet

    def _await_ready(self, api: ApiClient, name: str) -> None:
        for state in api.states(_PODS, name):
            if state is not None and _runs(state):
                return

    @property
    def _layout(self) -> Layout:
        return Layout(self._state, self._folder)

    @property
    def _settings(self) -> ClusterSettings:
        settings = read_settings(self._layout.settings)
        if settings is None:
            raise RuntimeError("the cluster was not started")
        return settings

    def _api(self) -> ApiClient:
        return ApiClient.of_cluster(self._layout, self._settings)

    def _mini_kube(self, command: str, *arguments: str) -> None:
        program = Path(sys.executable).with_name("mini-kube")
        self._run(program, command, f"--state-dir={self._state}", *arguments)

    def _run(self, program: Path, *arguments: str) -> None:
        subprocess.run(
            [str(program), *arguments],
            env=self._env,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )


def _runs(pod: dict[str, Any]) -> bool:
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in pod["status"].get("conditions", ())
    )


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
