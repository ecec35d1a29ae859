"""A forwarded port, while it is needed: mini-kubectl port-forward in the background."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Final, Self

from cluster.services import executable
from mini_kube.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PortForward"]

_FORWARDING: Final = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ->")


class PortForward:
    """Forwards while entered. `port` is the port of 127.0.0.1 then."""

    def __init__(
        self, env: Mapping[str, str], pod: str, port: int, namespace: str
    ) -> None:
        self.port = 0
        self._env = env
        self._command = [
            executable("mini-kubectl"),
            "port-forward",
            f"--namespace={namespace}",
            "--address=127.0.0.1",
            f"pod/{pod}",
            f":{port}",
        ]
        self._process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect to."""
        return "127.0.0.1", self.port

    def __enter__(self) -> Self:
        """Listen.

        Raises:
            ClusterError: it cannot be done; in the words of mini-kubectl.
        """
        process = subprocess.Popen(
            self._command,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._process = process
        assert process.stdout is not None  # noqa: S101 - asked for
        found = _FORWARDING.match(process.stdout.readline())
        if found is None:
            raise ClusterError(self._end().strip() or "port-forward ended")
        self.port = int(found[1])
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> str:
        process, self._process = self._process, None
        if process is None:
            return ""
        process.terminate()
        _, errors = process.communicate()
        return errors
