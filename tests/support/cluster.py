"""A real cluster for tests: started by `mini-kube up`, ended without a trace."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from cluster.api import ApiClient
from cluster.layout import Layout
from cluster.settings import read_settings
from tests.support.orphans import adopt_orphans, descendants, reap

__all__ = ["RunningCluster", "is_ready", "running_cluster"]

BIN = Path(sys.executable).parent
DEFAULT = "/api/v1/namespaces/default"
_PATIENCE = 60.0


class RunningCluster:
    """A cluster in a folder of its own, and the commands that are run against it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self.state = folder / name
        self.kubeconfig = self.state / "kubeconfig"
        home = folder / "home"
        home.mkdir(exist_ok=True)
        self.env = {
            **{k: v for k, v in os.environ.items() if k != "KUBECONFIG"},
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(folder),
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }

    def mini_kube(self, command: str, *arguments: str, check: bool = True):
        """Run `mini-kube COMMAND` for this cluster."""
        where = ["--name", self.name, "--state-dir", str(self.state)]
        return self.run("mini-kube", command, *where, *arguments, check=check)

    def mini_kubectl(self, *arguments: str, **options):
        """Run mini-kubectl."""
        return self.run("mini-kubectl", *arguments, **options)

    def run(
        self,
        program: str | Path,
        *arguments: str,
        stdin: bytes | str = b"",
        check: bool = False,
        timeout: float = _PATIENCE,
        text: bool = True,
        env: dict[str, str] | None = None,
    ):
        """Run any program with the cluster's kubeconfig; output as text, or bytes."""
        given = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [str(program), *arguments],
            input=given,
            capture_output=True,
            env={**self.env, **(env or {})},
            timeout=timeout,
            check=False,
        )
        if text:
            done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        if check and done.returncode != 0:
            raise AssertionError(
                f"{done.args} ended with {done.returncode}: {done.stdout}{done.stderr}"
            )
        return done

    def pids(self) -> dict[str, int]:
        """The process ids of the services, by name."""
        records = sorted((self.state / "run").glob("*.json"))
        return {path.stem: json.loads(path.read_bytes())["pid"] for path in records}

    def descriptors(self) -> dict[str, int]:
        """How many file descriptors each service has open."""
        return {
            name: len(os.listdir(f"/proc/{pid}/fd"))
            for name, pid in self.pids().items()
        }

    def log(self, service: str) -> str:
        return (self.state / "logs" / f"{service}.log").read_text()

    def pod(self, name: str, *command: str, image: str = "busybox", **spec):
        """Create a pod and wait until it is Ready."""
        container = {"name": name, "image": image}
        if command or image == "busybox":
            # A busybox without a command would end at once.
            container["command"] = list(command) or ["sleep", "1000000"]
        self.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "labels": {"app": name}},
                "spec": {
                    "containers": [container],
                    "terminationGracePeriodSeconds": 1,
                    **spec,
                },
            }
        )
        self.await_ready(name)
        return name

    @cached_property
    def api(self) -> ApiClient:
        """The administrator's client."""
        layout = Layout(self.state, self.folder)
        return ApiClient.of_cluster(layout, read_settings(layout.settings))

    def close(self) -> None:
        """Close the client, if one was made."""
        if "api" in self.__dict__:
            self.api.close()

    def create(self, manifest: dict) -> None:
        """Create an object of the core group in the namespace default."""
        plural = f"{manifest['kind'].lower()}s"
        self.api.create(f"{DEFAULT}/{plural}", manifest)

    def get(self, *arguments: str) -> dict:
        """An object, or a list, as `mini-kubectl get -o json` gives it."""
        done = self.mini_kubectl("get", *arguments, "-o", "json", check=True)
        return json.loads(done.stdout)

    def await_ready(self, pod: str, timeout: float = _PATIENCE) -> dict:
        """The pod, once its condition Ready is True."""
        return self.await_pod(pod, is_ready, timeout)

    def await_pod(self, pod: str, holds, timeout: float = _PATIENCE) -> dict:
        """The pod, once `holds` is true of it; None stands for its absence."""
        deadline = time.monotonic() + timeout
        state = None
        for state in self.api.states(f"{DEFAULT}/pods", pod):
            if holds(state):
                return state
            if time.monotonic() > deadline:
                break
        raise AssertionError(f"pod {pod}: {json.dumps(state)}")


def is_ready(pod: dict | None) -> bool:
    """Whether the pod has the condition Ready."""
    if pod is None:
        return False
    conditions = pod["status"].get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


@contextmanager
def running_cluster(name: str = "t", *arguments: str):
    """A cluster that is up; afterwards nothing of it may be left."""
    adopt_orphans()
    # A test run that is told to end takes its cluster along.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    before = descendants()
    # Short, since sockets lie in it.
    folder = Path(tempfile.mkdtemp(prefix="mk-", dir="/tmp"))
    cluster = RunningCluster(folder, name)
    try:
        cluster.mini_kube("up", *arguments)
        yield cluster
    finally:
        cluster.close()
        cluster.mini_kube("down", check=False)
        reap()
        left = {k: v for k, v in descendants().items() if k not in before}
        sockets = [str(path) for path in folder.rglob("*") if path.is_socket()]
        cluster.mini_kube("delete", check=False)
        state_left = cluster.state.exists()
        shutil.rmtree(folder, ignore_errors=True)
    assert not left, f"processes left: {left}"
    assert not sockets, f"sockets left: {sockets}"
    assert not state_left, "the state folder is left"
