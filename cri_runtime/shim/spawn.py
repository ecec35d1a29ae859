"""Starting a process: fork, set up, exec, and word back when that failed.

The child reports a failure over a pipe that exec closes, so a missing executable is known
here as errno and text instead of as a child that exits with 127.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat

from cri_runtime.shim import linux
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = [
    "IGNORED_BY_PYTHON",
    "ProcessSpec",
    "SpawnError",
    "User",
    "remember_limit",
    "spawn",
]

# Those that shims handle. Python looks up a name for each signal of the mask it gets back:
# with all of them that is 0.2 ms a process.
_HANDLED = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM)

# Python ignores these two, and what is ignored stays ignored through exec.
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


# The soft limit on open descriptors that started processes get, once it is known.
_descriptors: list[int] = []


class SpawnError(Exception):
    """The program could not be started.

    Attributes:
        errno: the operating system's reason.
        text: the reason as runc words it.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.errno = code
        self.text = text


@dataclass(frozen=True, slots=True)
class User:
    """Whom to become. Only root can."""

    uid: int
    gid: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run. `env` is complete: nothing is added to it."""

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    tty: bool = False
    user: User | None = None


def spawn(spec: ProcessSpec, stdio: list[int]) -> int:
    """Start the program in a session of its own; returns its process id.

    `stdio` is three descriptors, or with a terminal its slave alone. They stay open here.

    Raises:
        SpawnError: the child could not become the program. It has been reaped.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    parent = os.getpid()
    # A signal between fork and exec would run our handlers in the child.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    try:
        pid = os.fork()
        if pid == 0:
            _become(spec, stdio, parent, writer)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(writer)
    with open(reader, "rb") as pipe:
        report = pipe.read()
    if report:
        os.waitpid(pid, 0)
        code, _, text = report.decode("utf-8", "surrogateescape").partition(" ")
        raise SpawnError(int(code), text)
    return pid


def _become(spec: ProcessSpec, stdio: list[int], parent: int, report: int) -> NoReturn:
    """The child's way from fork to exec; it ends here, whatever happens."""
    try:
        _take_stdio(spec.tty, stdio)
        _change_directory(spec.cwd)
        _change_user(spec.user)
        linux.become_subreaper()
        linux.die_with_parent()
        if os.getppid() == parent:  # else it died before it could be asked
            _reset_limits()
            _reset_signals()
            _execute(spec)
    except SpawnError as failure:
        _tell(report, failure.errno, failure.text)
    except BaseException as error:  # noqa: BLE001 - there is no one to raise to
        _tell(report, getattr(error, "errno", None) or errno.EIO, str(error))
    finally:
        os._exit(127)


def _tell(report: int, code: int, text: str) -> None:
    os.write(report, f"{code} {text}".encode("utf-8", "surrogateescape"))


def _take_stdio(tty: bool, stdio: list[int]) -> None:
    if tty:
        os.login_tty(stdio[0])
        return
    os.setsid()
    for number, descriptor in enumerate(stdio):
        os.dup2(descriptor, number)


def _change_directory(path: str) -> None:
    try:
        os.chdir(path)
    except OSError as error:
        text = f'chdir to cwd ("{path}") set in config.json failed: {_reason(error)}'
        raise SpawnError(error.errno or errno.EIO, text) from None


def _change_user(user: User | None) -> None:
    if user is None:
        return
    os.setgroups(user.groups)
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)


def _reset_limits() -> None:
    """We need many descriptors; a program that uses select(2) can do with 1024 only."""
    os.umask(0o022)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(_descriptors[0], hard), hard))


def remember_limit(descriptors: int) -> None:
    """How many descriptors the processes started from now on may open."""
    _descriptors[:] = [descriptors]


def _reset_signals() -> None:
    for number in IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _execute(spec: ProcessSpec) -> NoReturn:
    if not spec.argv:
        raise SpawnError(errno.EINVAL, "no command specified")
    program = _look_up(spec.argv[0], spec.env.get("PATH", ""))
    try:
        os.execve(program, spec.argv, spec.env)
    except OSError as error:
        text = f"exec {program}: {_reason(error)}"
        raise SpawnError(error.errno or errno.EIO, text) from None


def _look_up(name: str, path: str) -> str:
    """The file to execute, found and refused in the words of Go's exec.LookPath."""
    if "/" in name:
        if problem := _why_not(name):
            raise SpawnError(problem[0], f'exec: "{name}": {problem[1]}')
        return name
    for directory in path.split(":"):
        candidate = f"{directory or '.'}/{name}"
        if _why_not(candidate) is None:
            return candidate
    raise SpawnError(
        errno.ENOENT, f'exec: "{name}": executable file not found in $PATH'
    )


def _why_not(path: str) -> tuple[int, str] | None:
    """What keeps a file from being executed, or None."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        return error.errno or errno.EIO, f"stat {path}: {_reason(error)}"
    if stat.S_ISDIR(mode):
        return errno.EISDIR, "is a directory"
    if not os.access(path, os.X_OK):
        return errno.EACCES, "permission denied"
    return None


def _reason(error: OSError) -> str:
    """The error's text as Go has it: in lower case."""
    text = os.strerror(error.errno or errno.EIO)
    return text[:1].lower() + text[1:]
