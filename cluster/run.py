"""`make run`: a shell in a pod of a fresh cluster, or a few commands without a terminal."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cluster.api import ApiClient
from cluster.services import executable
from cluster.supervisor import StartError

if TYPE_CHECKING:
    from cluster.layout import Layout
    from cluster.settings import ClusterSettings

__all__ = ["ensure_pod", "open_shell", "run_commands"]

POD: Final = "nginx"
_PODS: Final = "/api/v1/namespaces/default/pods"
_MANIFEST: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": POD, "labels": {"run": POD}},
    "spec": {
        "containers": [
            {"name": POD, "image": "nginx", "ports": [{"containerPort": 80}]}
        ]
    },
}


@dataclass(frozen=True, slots=True)
class Command:
    """What to run in the pod, what to give it as input, and the code it ends with."""

    arguments: tuple[str, ...]
    code: int = 0
    stdin: str = ""


_COMMANDS: Final = (
    Command(("exec", POD, "--", "sh", "-c", "echo hello from $HOSTNAME")),
    Command(("exec", "-i", POD, "--", "tr", "a-z", "A-Z"), stdin="piped in"),
    Command(("exec", POD, "--", "sh", "-c", "echo out; echo err >&2; exit 42"), 42),
    Command(("get", "pods", "-o", "wide")),
)


def ensure_pod(layout: Layout, settings: ClusterSettings, *, timeout: float) -> None:
    """Create the pod if there is none, and return when it is Ready.

    Raises:
        StartError: it was not Ready in time.
        ApiError: the API server refused.
    """
    with closing(ApiClient.of_cluster(layout, settings)) as api:
        path = f"{_PODS}/{POD}"
        pod = api.get(path)
        if pod is not None and pod["status"].get("phase") in ("Succeeded", "Failed"):
            api.delete(path)
            pod = None
        if pod is None:
            api.create(_PODS, _MANIFEST)
        deadline = time.monotonic() + timeout
        for state in api.states(_PODS, POD):
            if state is not None and _is_ready(state):
                return
            if time.monotonic() > deadline:
                raise StartError(f"pod {POD} was not Ready in time")


def open_shell(layout: Layout) -> int:
    """A shell in the pod, in the user's terminal; returns its exit code."""
    command = ("exec", "-it", POD, "--", "bash")
    print(f"$ mini-kubectl {shlex.join(command)}", flush=True)
    # While the shell has the terminal, Ctrl-C belongs to it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.run(
            _mini_kubectl(command), env=_environment(layout), check=False
        ).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def run_commands(layout: Layout) -> int:
    """Run the commands, show what they print and return; 0 when all did as expected."""
    return max(_run_command(layout, command) for command in _COMMANDS)


def _run_command(layout: Layout, command: Command) -> int:
    source = f"echo {command.stdin} | " if command.stdin else ""
    print(f"$ {source}mini-kubectl {shlex.join(command.arguments)}", flush=True)
    done = subprocess.run(
        _mini_kubectl(command.arguments),
        env=_environment(layout),
        input=f"{command.stdin}\n".encode(),
        stderr=subprocess.STDOUT,
        stdout=sys.stdout,
        check=False,
    )
    print(f"exit code {done.returncode}\n", flush=True)
    return 0 if done.returncode == command.code else 1


def _mini_kubectl(arguments: tuple[str, ...]) -> list[str]:
    return [executable("mini-kubectl"), *arguments]


def _environment(layout: Layout) -> dict[str, str]:
    return {**os.environ, "KUBECONFIG": str(layout.kubeconfig)}


def _is_ready(pod: dict[str, Any]) -> bool:
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in pod["status"].get("conditions", ())
    )
