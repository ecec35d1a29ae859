"""`cp`: a tar at the pod's end of an exec, ours at this end.

The session runs in the main thread, which has the signals; a second thread makes or
reads the archive, with a pipe between them.

Source: kubernetes/kubectl pkg/cmd/cp/cp.go.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import shlex
import sys
import threading

from kubectl_cli.copying.tar_writing import write_tar
from kubectl_cli.errors import CommandError, RemoteExitError
from kubectl_cli.streams.carriers import open_session
from kubectl_cli.streams.outputs import Output
from kubectl_cli.streams.signals import SignalPipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from apimachinery.types import JsonObject
    from kubectl_cli.client.rest import Query, RestClient
    from kubectl_cli.copying.tar_reading import Unpacker

__all__ = ["PodFiles"]

_NOWHERE = os.O_RDWR | os.O_CLOEXEC


class PodFiles:
    """The files of one container."""

    def __init__(self, client: RestClient, pod: JsonObject, container: str) -> None:
        self._client = client
        metadata = pod["metadata"]
        self._namespace: str = metadata["namespace"]
        self._pod: str = metadata["name"]
        self._path = f"/api/v1/namespaces/{self._namespace}/pods/{self._pod}/exec"
        self._container = container

    def upload(self, source: str, target: str, *, preserve: bool) -> None:
        """Copy what is at `source` to `target`, or into it if that is a folder."""
        source = source.rstrip("/") or "/"
        target = posixpath.normpath(target)
        if self._is_folder(target):
            target = posixpath.normpath(posixpath.join(target, _base(source)))
        command = ["tar", "-xmf", "-"]
        if not preserve:
            command[1:1] = ["--no-same-permissions", "--no-same-owner"]
        folder, name = posixpath.split(target)
        command += ["-C", folder or "."]
        with _Worker("wb", lambda pipe: write_tar(pipe, source, name or ".")) as worker:
            self._run(command, (Output(1), Output(2)), stdin=worker.descriptor)

    def download(self, source: str, unpacker: Unpacker, retries: int) -> None:
        """Copy what is at `source`; a connection that breaks is tried again."""
        with _Worker("rb", unpacker.unpack) as worker:
            received, tries = 0, 0
            while True:
                output = _CountedOutput(worker.descriptor)
                try:
                    command = _tar_command(source, received, resumes=retries != 0)
                    # cp.go: what the pod's tar has to say goes to our stdout
                    self._run(command, (output, Output(1)))
                    return
                except CommandError:
                    received += output.taken
                    if 0 <= retries <= tries:
                        if retries:
                            print(f"Dropping out copy after {tries} retries")
                        raise
                tries += 1
                print(
                    f"Resuming copy at {received} bytes, retry {tries}/{retries}",
                    flush=True,
                )

    def link_hint(self, source: str) -> str:
        """The command that copies links too."""
        return (
            f'kubectl exec -n "{self._namespace}" "{self._pod}" -- tar cf -'
            f' "{source}" | tar xf -'
        )

    def _is_folder(self, path: str) -> bool:
        nowhere = os.open(os.devnull, _NOWHERE)
        try:
            outputs = (Output(nowhere), Output(nowhere))
            self._run(["test", "-d", path], outputs)
        except (CommandError, RemoteExitError):
            return False
        finally:
            os.close(nowhere)
        return True

    def _run(
        self, command: list[str], outputs: tuple[Output, Output], stdin: int = -1
    ) -> None:
        query: Query = [("command", word) for word in command]
        query.append(("container", self._container))
        streams = {"stderr": True, "stdin": stdin >= 0, "stdout": True, "tty": False}
        wanted = [(name, "true") for name, asked in streams.items() if asked]
        sys.stdout.flush()
        sys.stderr.flush()
        with contextlib.ExitStack() as stack:
            for output in outputs:
                stack.callback(output.close)
            signals = stack.enter_context(SignalPipe(guard=False))
            session = open_session(self._client, self._path, [*query, *wanted], streams)
            session.run(signals, stdin=stdin, outputs=outputs)


def _base(source: str) -> str:
    """The name that a copy has in a folder: none for `.`, whose content is copied."""
    if os.path.normpath(source) == ".":
        return ""
    return os.path.basename(os.path.abspath(source))


def _tar_command(source: str, received: int, *, resumes: bool) -> list[str]:
    if not resumes:
        return ["tar", "cf", "-", source]
    # tail counts from 1, and takes 0 for 1
    start = received + 1 if received else 0
    return ["sh", "-c", f"tar cf - {shlex.quote(source)} | tail -c+{start}"]


class _CountedOutput(Output):
    """Knows how many bytes it has got rid of."""

    taken = 0

    def _put(self, data: memoryview) -> memoryview:
        rest = super()._put(data)
        self.taken += len(data) - len(rest)
        return rest


class _Worker:
    """A thread at the far end of a pipe, whose `descriptor` is ours.

    At the end of the `with` our end is closed and the thread awaited. Its failure
    counts more than what it has brought upon the session.
    """

    def __init__(self, mode: str, work: Callable[[BinaryIO], None]) -> None:
        reader, writer = os.pipe2(os.O_CLOEXEC)
        self._far, self.descriptor = (
            (reader, writer) if mode == "rb" else (writer, reader)
        )
        self._mode = mode
        self._work = work
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            with open(self._far, self._mode) as pipe:
                self._work(pipe)  # type: ignore[arg-type]  # the modes are binary
        except Exception as error:  # noqa: BLE001 - the main thread raises it
            self._failure = error

    def __enter__(self) -> _Worker:
        self._thread.start()
        return self

    def __exit__(
        self, kind: object, error: BaseException | None, trace: object
    ) -> None:
        os.close(self.descriptor)
        self._thread.join()
        failure = self._failure
        if failure is None or isinstance(failure, BrokenPipeError):
            return
        if isinstance(error, CommandError | RemoteExitError) and isinstance(
            failure, CommandError
        ):
            return  # the archive was cut because the command failed
        if isinstance(failure, OSError) and not isinstance(error, KeyboardInterrupt):
            name = failure.filename or ""
            text = (failure.strerror or str(failure)).lower()
            raise CommandError(f"open {name}: {text}" if name else text) from None
        if error is None or isinstance(error, BrokenPipeError):
            raise failure
