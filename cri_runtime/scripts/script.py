"""A script: the answers of a container, as an image, a pod or a test gives them.

docs/scripted-containers.md has the format. Reading it says where it is wrong; what it
says to do is done by `cri_runtime.images.programs.scripted`, in a process of its own.
"""

from __future__ import annotations

import re
import shlex
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cri_runtime.scripts.matching import fits_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["COMMANDS", "Answer", "Script", "ScriptError", "parse_script"]

JsonObject = dict[str, Any]

#: What a container with files of its own can do without a real command.
COMMANDS = frozenset(
    ["cat", "echo", "env", "false", "ls", "printenv", "pwd", "tar", "test", "[", "true"]
)

_DONE = {"stdout", "stderr", "delay", "echo", "call"}
_ENDS = {"exit_code", "signal"}
_ANSWER = {"argv", "times", "run", "steps", *_DONE, *_ENDS}
_SCRIPT = {"main", "exec", "otherwise", "ports", "files", "root", "python_path"}
_PORT = {"reply", "echo", "close", "http", "exchange", "call", "delay"}
_LONGEST_DELAY = 365 * 24 * 3600.0
_CALL = re.compile(r"[^:]+(?::[A-Za-z_][\w.]*)")


class ScriptError(ValueError):
    """A script is not what it should be; the text says where."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is done for one command.

    Attributes:
        index: where it stands in the script's document.
        pattern: what the command line has to look like, as a shell would be given it;
            None: any.
        times: how often it is given; 0: always.
        run: whether the command is run for real.
    """

    index: int
    pattern: re.Pattern[str] | None
    times: int = 0
    run: bool = False

    def fits(self, command: Sequence[str]) -> bool:
        """Whether it is meant for this command. Raises MatchTooLong."""
        return self.pattern is None or any(
            fits_whole(self.pattern, line)
            for line in (shlex.join(command), " ".join(command))
        )


@dataclass(frozen=True, slots=True)
class Script:
    """A script that makes sense; `document` is what it was made of."""

    document: JsonObject
    answers: tuple[Answer, ...] = ()
    otherwise: Answer | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    root: str = ""

    @property
    def has_files(self) -> bool:
        """Whether it has a root of its own, and so the commands for it."""
        return bool(self.files or self.root)

    @property
    def acts(self) -> bool:
        """Whether the main process is the script's own, even if the pod names one."""
        return bool(self.document.get("main") or self.document.get("ports"))

    def find(self, command: Sequence[str], used: Mapping[int, int]) -> Answer | None:
        """The first answer for a command, before `otherwise`.

        `used` says how often each was given, by index.

        Raises:
            MatchTooLong: a pattern takes too much time.
        """
        for answer in self.answers:
            worn = answer.times and used.get(answer.index, 0) >= answer.times
            if not worn and answer.fits(command):
                return answer
        return None


def parse_script(document: Any) -> Script:
    """Read a script.

    Raises:
        ScriptError: it is not one.
    """
    script = _object(document, "script", _SCRIPT)
    if "main" in script:
        _check_answer(script["main"], "main")
    listed = _list(script.get("exec", []), "exec")
    answers = [_answer(each, f"exec[{n}]", n) for n, each in enumerate(listed)]
    otherwise = None
    if "otherwise" in script:
        otherwise = _answer(script["otherwise"], "otherwise", len(listed))
    _check_ports(script.get("ports", {}))
    _texts(script.get("python_path", []), "python_path")
    root = script.get("root", "")
    if not isinstance(root, str):
        raise ScriptError("root: the path of a directory is expected")
    files = _files(script.get("files", {}))
    return Script(script, tuple(answers), otherwise, files, root)


def _answer(document: Any, where: str, index: int) -> Answer:
    _check_answer(document, where)
    times = document.get("times", 0)
    if not isinstance(times, int) or isinstance(times, bool) or times < 0:
        raise ScriptError(f"{where}.times: a number is expected")
    pattern = document.get("argv")
    compiled = None if pattern is None else _pattern(pattern, f"{where}.argv")
    return Answer(index, compiled, times, bool(document.get("run")))


def _pattern(text: Any, where: str) -> re.Pattern[str]:
    if isinstance(text, str):
        try:
            return re.compile(text, re.DOTALL)
        except (re.error, RecursionError, OverflowError) as err:
            raise ScriptError(f"{where}: no regular expression: {err}") from None
    raise ScriptError(f"{where}: no regular expression: a text is expected")


def _check_answer(document: Any, where: str) -> None:
    answer = _object(document, where, _ANSWER)
    for step in _list(answer.get("steps", []), f"{where}.steps"):
        _check_done(_object(step, f"{where}.steps", _DONE), f"{where}.steps")
    _check_done(answer, where)
    code = answer.get("exit_code", 0)
    if not isinstance(code, int) or not 0 <= code <= 255:
        raise ScriptError(f"{where}.exit_code: a number from 0 to 255 is expected")
    name = answer.get("signal", "KILL")
    if not isinstance(name, str) or not hasattr(
        signal, f"SIG{name.removeprefix('SIG')}"
    ):
        raise ScriptError(f"{where}.signal: there is no signal {name!r}")


def _check_done(done: JsonObject, where: str) -> None:
    for stream in ("stdout", "stderr"):
        if stream in done:
            content(done[stream], f"{where}.{stream}")
    _check_delay(done, where)
    _check_call(done, where)


def _check_delay(done: JsonObject, where: str) -> None:
    delay = done.get("delay", 0)
    known = isinstance(delay, int | float) and not isinstance(delay, bool)
    if not known or not 0 <= delay <= _LONGEST_DELAY:  # which nan is not, either
        raise ScriptError(f"{where}.delay: seconds are expected")


def _check_call(done: JsonObject, where: str) -> None:
    call = done.get("call", "m:f")
    if not isinstance(call, str) or not _CALL.fullmatch(call):
        raise ScriptError(f"{where}.call: module:function is expected")


def _check_ports(ports: Any) -> None:
    if not isinstance(ports, dict):
        raise ScriptError("ports: an object is expected")
    for port, document in ports.items():
        where = f"ports.{port}"
        if not str(port).isdecimal() or not 0 < int(port) < 65536:
            raise ScriptError(f"{where}: not a port")
        answer = _object(document, where, _PORT)
        _check_delay(answer, where)
        _check_call(answer, where)
        content(answer.get("reply", ""), f"{where}.reply")
        if answer.get("close", "reset") != "reset":
            raise ScriptError(f"{where}.close: reset is expected")
        for route in _list(answer.get("http", []), f"{where}.http"):
            _check_route(route, f"{where}.http")
        for turn in _list(answer.get("exchange", []), f"{where}.exchange"):
            _object(turn, f"{where}.exchange", {"expect", "reply"})
            _pattern(turn.get("expect", ""), f"{where}.exchange.expect")


def _check_route(document: Any, where: str) -> None:
    route = _object(document, where, {"path", "status", "body", "headers"})
    _pattern(route.get("path", ""), f"{where}.path")
    status = route.get("status", 200)
    if type(status) is not int or not 200 <= status <= 999:
        raise ScriptError(f"{where}.status: a number from 200 to 999 is expected")
    if not isinstance(route.get("body", ""), str):
        raise ScriptError(f"{where}.body: a text is expected")
    headers = route.get("headers", {})
    if not isinstance(headers, dict):
        raise ScriptError(f"{where}.headers: an object is expected")


def _files(document: Any) -> dict[str, bytes]:
    if not isinstance(document, dict):
        raise ScriptError("files: an object is expected")
    return {str(p): content(text, f"files.{p}") for p, text in document.items()}


def content(value: Any, where: str) -> bytes:
    """The bytes that a text, or `{"base64": ...}`, stands for.

    Raises:
        ScriptError: it is neither.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, dict) and set(value) == {"base64"}:
        import base64

        try:
            return base64.b64decode(value["base64"], validate=True)
        except (ValueError, TypeError):
            raise ScriptError(f"{where}: not base64") from None
    raise ScriptError(f"{where}: a text is expected")


def _object(value: Any, where: str, known: set[str]) -> JsonObject:
    if not isinstance(value, dict):
        raise ScriptError(f"{where}: an object is expected")
    if unknown := sorted(map(str, set(value) - known)):
        raise ScriptError(f"{where}: unknown: {', '.join(unknown)}")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ScriptError(f"{where}: a list is expected")
    return value


def _texts(value: Any, where: str) -> None:
    if not all(isinstance(item, str) for item in _list(value, where)):
        raise ScriptError(f"{where}: texts are expected")
