"""Where an exhibit is shown: a cluster of its own, and all that is done to it, written down."""

from __future__ import annotations

import shlex
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cluster.services import executable
from museum.terminal import in_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mini_kube import Cluster

__all__ = ["Done", "Running", "Stage"]

_MOST_LINES = 6  # of an output, in the transcript


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended, or was ended because it took too long (`code` None)."""

    code: int | None
    stdout: str
    stderr: str

    @property
    def hung(self) -> bool:
        """Whether it had to be ended."""
        return self.code is None


@dataclass(slots=True)
class Stage:
    """One run of an exhibit.

    Args:
        cluster: up, with its trace on.
        troubled: whether the cause is there; without, faults do nothing.
        kubectl_path: a real kubectl, where there is one.
        with_real: use it for everything, in place of mini-kubectl.
    """

    cluster: Cluster
    troubled: bool
    kubectl_path: Path | None = None
    with_real: bool = False
    transcript: list[str] = field(default_factory=list)

    # ---- causes

    @contextmanager
    def fault(self, type: str, hop: str, **options: Any) -> Iterator[None]:
        """The fault, on a stage with trouble (see `FaultClient.add`)."""
        if not self.troubled:
            yield
            return
        words = ["mini-kube", "fault", "add", hop, type]
        words += [f"{key}={value}" for key, value in options.items() if key != "stream"]
        if "stream" in options:
            words.append(f"--stream={options['stream']}")
        self._say(shlex.join(words))
        with self.cluster.faults.added(type, hop=hop, **options):
            yield

    @contextmanager
    def middlebox(self, name: str, hop: str, **values: Any) -> Iterator[None]:
        """The faults of a middlebox, on a stage with trouble."""
        if not self.troubled:
            yield
            return
        words = ["mini-kube", "fault", "personality", name, f"--hop={hop}"]
        words += [f"{key}={value}" for key, value in values.items()]
        self._say(shlex.join(words))
        made = self.cluster.faults.personality(name, hop=hop, **values)
        try:
            yield
        finally:
            for fault in made:
                fault.remove()

    def let_pass(self, seconds: float) -> None:
        """So much time, for the services; on a stage with trouble only."""
        if self.troubled:
            self._say(f"mini-kube clock advance {seconds / 3600:g}h")
            self.cluster.clock.advance(seconds)

    # ---- what users do

    def shell(self, name: str = "shell") -> str:
        """A pod with a shell that does nothing, and is there once for all."""
        found = self.cluster.kubectl("get", "pod", name, "--ignore-not-found")
        if not found.stdout:
            self.cluster.run_pod(name)
        return name

    def kubectl(
        self,
        *arguments: str,
        stdin: str = "",
        timeout: float = 20.0,
        env: Mapping[str, str] | None = None,
    ) -> Done:
        """Run it to its end; it is ended when `timeout` seconds are over."""
        with self.started(*arguments, stdin=stdin, env=env) as running:
            return running.wait(timeout)

    @contextmanager
    def started(
        self,
        *arguments: str,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        real: bool = False,
    ) -> Iterator[Running]:
        """The same in the background; at the end of the `with` it is killed.

        Args:
            real: by the real kubectl.
        """
        program = self._program(real=real)
        settings = "".join(f"{key}={value} " for key, value in (env or {}).items())
        line = shlex.join([self._name(real=real), *arguments])
        piped = f"printf {shlex.quote(stdin.encode('unicode_escape').decode())} | "
        self._say(f"{piped if stdin else ''}{settings}{line}")
        process = subprocess.Popen(
            [str(program), *arguments],
            env={**self.cluster.env, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running = Running(self, process, stdin)
        try:
            yield running
        finally:
            running.end()

    def in_terminal(
        self, *arguments: str, columns: int, lines: int, timeout: float = 20.0
    ) -> Done:
        """Run kubectl in a terminal of that size."""
        program = self._program()
        self._say(shlex.join([self._name(), *arguments]))
        code, output = in_terminal(
            [str(program), *arguments], self.cluster.env, columns, lines, timeout
        )
        done = Done(code, output.replace("\r\n", "\n"), "")
        self.tell(done)
        return done

    def wait(self, seconds: float) -> None:
        """Let real time pass: containers and clients live in it."""
        self._say(f"sleep {seconds:g}")
        time.sleep(seconds)

    def note(self, text: str) -> None:
        """Something else that was done, for the transcript."""
        self.transcript.append(f"# {text}")

    def _program(self, *, real: bool = False) -> str:
        if (real or self.with_real) and self.kubectl_path is not None:
            return str(self.kubectl_path)
        return executable("mini-kubectl")

    def _name(self, *, real: bool = False) -> str:
        return "kubectl" if real or self.with_real else "mini-kubectl"

    # ---- the transcript

    def tell(self, done: Done) -> None:
        """How a command ended."""
        for text in (done.stdout, done.stderr):
            lines = text.splitlines()
            self.transcript += lines[:_MOST_LINES]
            if len(lines) > _MOST_LINES:
                self.transcript.append(f"… {len(lines) - _MOST_LINES} more lines")
        code = "still running" if done.hung else f"exit code {done.code}"
        self.transcript.append(f"# {code}")

    def _say(self, command: str) -> None:
        self.transcript.append(f"$ {command}")


class Running:
    """A kubectl that runs."""

    def __init__(
        self, stage: Stage, process: subprocess.Popen[str], stdin: str
    ) -> None:
        self._stage = stage
        self._process = process
        self._stdin = stdin
        self._told = False

    def line(self) -> str:
        """The next line of its output."""
        assert self._process.stdout is not None  # noqa: S101 - asked for
        return self._process.stdout.readline().rstrip("\n")

    def wait(self, timeout: float) -> Done:
        """Its end; it is killed when that does not come in time."""
        try:
            out, err = self._process.communicate(self._stdin, timeout=timeout)
            done = Done(self._process.returncode, out, err)
        except subprocess.TimeoutExpired:
            self._process.kill()
            out, err = self._process.communicate()
            done = Done(None, out, err)
        self._told = True
        self._stage.tell(done)
        return done

    def kill(self) -> None:
        """As if its machine went away."""
        self._process.kill()
        self._process.communicate()
        self._told = True
        self._stage.note("the client is killed")

    def end(self) -> None:
        """Kill it unless it has ended."""
        with suppress(ProcessLookupError):
            self._process.kill()
        if not self._told:
            self._process.communicate()
