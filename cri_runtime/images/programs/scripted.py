"""The program of scripted containers: says what their script says.

    scripted.py main SCRIPT                     the main process
    scripted.py exec SCRIPT NUMBER COMMAND...   the answer to a command
    scripted.py command ROOT COMMAND...         a command on the container's own files
    scripted.py logs FILE                       a log file, from its beginning and on
    scripted.py http FILE                       HTTP on stdin, by the routes in a file

Run as `python -I -S`, standard library only, and nothing is loaded that an answer does
not need: a command is answered some 15 ms after it was asked for.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

sys.path.append(__file__.partition("/cri_runtime/images/")[0])

from cri_runtime.images.programs.replies import content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    JsonObject = dict[str, Any]


def main() -> NoReturn:
    """Do what the arguments say."""
    mode, subject, *rest = sys.argv[1:]
    if mode == "main":
        play_main(read(subject))
    if mode == "exec":
        script = read(subject)
        answers = [*script.get("exec", []), script.get("otherwise")]
        play(answers[int(rest[0])], rest[1:], script)
    if mode == "command":
        from cri_runtime.images.programs.commands import run

        leave(run(subject, rest))
    if mode == "logs":
        end_quietly()
        from cri_runtime.images.programs.log_player import follow

        follow(subject)
    if mode == "http":
        from cri_runtime.images.programs.answering import serve_http

        serve_http(0, read(subject)["http"])
        leave(0)
    raise SystemExit(f"scripted: {mode}?")


def read(path: str) -> JsonObject:
    """A JSON file."""
    with open(path) as file:
        document: JsonObject = json.load(file)
    return document


def play_main(script: JsonObject) -> NoReturn:
    """Be the main process: until it is ended, unless the script ends it."""
    end_quietly()
    if script.get("ports"):
        from cri_runtime.images.programs.answering import listen_on

        serve = listen_on(script["ports"], script)
        # Of its own, so that the script's delays are not the ports'.
        if os.fork() == 0:
            serve()
    answer = script.get("main") or {}
    if "exit_code" in answer or "signal" in answer:
        play(answer, sys.argv, script)
    perform_all(answer, sys.argv, script)
    while True:
        signal.pause()


def end_quietly() -> None:
    """What a container is ended with, ends it with success."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda *_: os._exit(0))


def play(answer: JsonObject, argv: list[str], script: JsonObject) -> NoReturn:
    """Give an answer, and end as it says."""
    code = perform_all(answer, argv, script)
    if name := answer.get("signal"):
        number = getattr(signal, f"SIG{name.removeprefix('SIG')}")
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        while True:
            signal.pause()
    leave(answer.get("exit_code", code))


def perform_all(answer: JsonObject, argv: list[str], script: JsonObject) -> int:
    """All steps, then what stands in the answer itself; the code to end with."""
    code = 0
    for step in (*answer.get("steps", ()), answer):
        code = perform(step, argv, script) or code
    return code


def perform(step: JsonObject, argv: list[str], script: JsonObject) -> int:
    """One step, in this order: wait, speak, echo, call."""
    if delay := step.get("delay"):
        time.sleep(delay)
    for descriptor, stream in ((1, "stdout"), (2, "stderr")):
        if stream in step:
            write_all(descriptor, content(step[stream]))
    if step.get("echo"):
        while data := read_some(0):
            write_all(1, data)
    if target := step.get("call"):
        from cri_runtime.images.programs.calling import call

        return call(target, argv, script.get("python_path", []))
    return 0


def write_all(descriptor: int, data: bytes) -> None:
    """Write; who does not read any more ends us, as any command."""
    while data:
        data = data[os.write(descriptor, data) :]


def read_some(descriptor: int) -> bytes:
    """What there is; nothing at the end, which a terminal may tell as an error."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def leave(code: int) -> NoReturn:
    """End, without what an interpreter does at its end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    main()
