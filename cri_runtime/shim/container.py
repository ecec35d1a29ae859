"""One container: its main process, the streams of that process, and who is attached."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import termios

from cri_runtime.shim.clock import wall_ns
from cri_runtime.shim.log_file import LogFile
from cri_runtime.shim.spawn import ProcessSpec, User, spawn
from cri_runtime.shim.streams import Input, Output, Sink
from cri_runtime.shim.waiting import exit_code
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cri_runtime.shim.loop import Loop
    from cri_runtime.shim.protocol import Message

__all__ = ["Container", "Exit", "process_spec"]


@dataclass(frozen=True, slots=True)
class Exit:
    """How the main process ended. `finished_at` is in ns since the epoch."""

    code: int
    signal: int
    finished_at: int
    oom: bool

    def describe(self) -> Message:
        """As the runtime is told of it."""
        return {
            "code": self.code,
            "signal": self.signal,
            "finished_at": self.finished_at,
            "oom": self.oom,
        }


def process_spec(message: Message) -> ProcessSpec:
    """What a request says about the process to start."""
    user = message.get("user")
    return ProcessSpec(
        argv=tuple(message["argv"]),
        env=message["env"],
        cwd=message["cwd"],
        tty=message.get("tty", False),
        user=User(user["uid"], user["gid"], tuple(user["groups"])) if user else None,
    )


class Container:
    """From the start of the main process until the runtime forgets it."""

    def __init__(self, loop: Loop, message: Message) -> None:
        """Start it.

        Raises:
            SpawnError: the main process could not be started.
            OSError: the log cannot be written.
        """
        self.id: str = message["container"]
        self.memory_limit: int = message.get("memory_limit", 0)
        self.exit: Exit | None = None
        self.out_of_memory = False
        self.kill_sent = False
        # The main process is gone but others of the container may still be there.
        self.dying = False
        self._loop = loop
        self._exit_path: str = message["exit_path"]
        self._stdin_once: bool = message.get("stdin_once", False)
        self._tty: bool = message.get("tty", False)
        self._stdin: Input | None = None
        self._outputs: dict[str, Output] = {}
        self._master = -1
        self._log = LogFile(message.get("log_path", ""))
        try:
            self.pid = self._start(process_spec(message), message.get("stdin", False))
        except BaseException:
            self._log.close()
            raise
        self.started_at = wall_ns()
        if note := message.get("note"):
            self._log.note(note)

    def attach(self, descriptors: list[int], message: Message) -> None:
        """Connect the given pipes, in the order stdin, stdout, stderr, to the streams."""
        sinks: list[Sink] = []
        for name in ("stdin", "stdout", "stderr"):
            if not message.get(name):
                continue
            descriptor = descriptors.pop(0)
            if name == "stdin":
                self._attach_stdin(descriptor, sinks)
                continue
            sink = Sink(self._loop, descriptor)
            sinks.append(sink)
            output = self._outputs.get(name)
            if output is None:
                sink.end()
            else:
                output.add(sink)

    def resize(self, width: int, height: int) -> None:
        """Set the terminal's size; the foreground processes get SIGWINCH."""
        if self._master >= 0:
            size = struct.pack("HHHH", height, width, 0, 0)
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def signal(self, number: int) -> None:
        """Send a signal to the main process, unless it is gone."""
        if self.exit is None:
            self.kill_sent |= number == signal.SIGKILL
            os.kill(self.pid, number)

    def reopen_log(self) -> None:
        """Go on in a fresh log file."""
        self._log.reopen()

    def main_process_ended(self, status: int, *, oom: bool) -> None:
        """Remember how. The container is `dying` until all its processes are gone."""
        code, number = exit_code(status)
        self.exit = Exit(code, number, wall_ns(), oom)
        self.dying = True

    def finish(self) -> None:
        """All processes are gone: take the rest of the output and put the exit on disk."""
        self.dying = False
        for output in self._outputs.values():
            output.finish()
        if self._stdin is not None:
            self._stdin.finish()
        if self._master >= 0:
            os.close(self._master)
            self._master = -1
        self._log.close()
        self._write_exit()

    def describe(self) -> Message:
        """What the runtime needs to know after it was away."""
        ended = self.exit is not None and not self.dying
        return {
            "container": self.id,
            "pid": self.pid,
            "started_at": self.started_at,
            "exit": self.exit.describe() if ended and self.exit else None,
        }

    def _start(self, spec: ProcessSpec, stdin: bool) -> int:
        if spec.tty:
            return self._start_on_terminal(spec, stdin)
        return self._start_on_pipes(spec, stdin)

    def _start_on_terminal(self, spec: ProcessSpec, stdin: bool) -> int:
        master, slave = os.openpty()
        try:
            pid = spawn(spec, [slave])
        except BaseException:
            os.close(master)
            raise
        finally:
            # Held open here, it would keep end-of-file from ever coming.
            os.close(slave)
        self._master = os.dup(master)
        if stdin:
            self._stdin = Input(self._loop, os.dup(master))
        self._outputs["stdout"] = Output(self._loop, master, self._log.stream("stdout"))
        return pid

    def _start_on_pipes(self, spec: ProcessSpec, stdin: bool) -> int:
        theirs: list[int] = []
        ours: list[int] = []
        try:
            if stdin:
                reader, writer = os.pipe2(os.O_CLOEXEC)
                theirs.append(reader)
                ours.append(writer)
            else:
                theirs.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
            for _ in range(2):
                reader, writer = os.pipe2(os.O_CLOEXEC)
                ours.append(reader)
                theirs.append(writer)
            pid = spawn(spec, theirs)
        except BaseException:
            _close_all(ours)
            raise
        finally:
            _close_all(theirs)
        for name in ("stderr", "stdout"):
            self._outputs[name] = Output(self._loop, ours.pop(), self._log.stream(name))
        if stdin:
            self._stdin = Input(self._loop, ours.pop())
        return pid

    def _attach_stdin(self, descriptor: int, sinks: list[Sink]) -> None:
        if self._stdin is None:
            os.close(descriptor)
            return
        self._stdin.add(descriptor, lambda: self._stdin_ended(sinks))

    def _stdin_ended(self, sinks: list[Sink]) -> None:
        # containerd internal/cri/io/container_io.go: the end of an attached stdin is the
        # container's own when it was to be used once, and else the end of that attachment.
        if self._stdin_once and not self._tty:
            if self._stdin is not None:
                self._stdin.end()
            return
        for sink in sinks:
            sink.end()

    def _write_exit(self) -> None:
        """For a runtime that is away now, and a shim that is gone when it comes back."""
        if self.exit is None:
            return
        scratch = f"{self._exit_path}.new"
        try:
            with open(scratch, "w") as file:
                json.dump(self.exit.describe(), file)
            os.replace(scratch, self._exit_path)
        except OSError:
            # The directory is gone: nobody will ask.
            return


def _close_all(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
