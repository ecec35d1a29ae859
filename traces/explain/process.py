"""What happened at the process: did it start, how did it end, who held its output."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Any, Final

from traces.explain.explanation import rule
from traces.explain.story import seconds

if TYPE_CHECKING:
    from traces.events import Event
    from traces.explain.explanation import Found
    from traces.explain.story import Story

__all__ = ["exit_text"]

_MEANINGS: Final = {
    126: "the shell found the command but could not execute it",
    127: "the shell did not find the command in the image",
}
_LONG: Final = 0.5  # seconds by which a status may be late without a word


@rule("container-not-running", "failure")
def container_not_running(story: Story) -> Found:
    """exec and attach need a running container."""
    for event, text in _texts(story):
        found = re.search(
            r'container not found \("(?P<name>[^"]*)"\)|(?P<state>CONTAINER_[A-Z]+)',
            text,
        )
        if found:
            what = found["name"] and f"Container {found['name']} is not running"
            state = (found["state"] or "").removeprefix("CONTAINER_").lower()
            yield (
                event,
                f"{what or f'The container is in the state {state}'}; only in a running"
                " container can a command be started or a stream be joined. (It has"
                " ended, is being restarted, or waits to start.)",
            )
            return


@rule("not-started", "failure")
def not_started(story: Story) -> Found:
    """The command could not be executed."""
    event = story.process("not started")
    if event is None:
        return
    reason = str(event.info.get("reason") or "")
    if "CONTAINER_" in reason:
        return
    if "executable file not found" in reason or "no such file" in reason:
        hint = "the image has no such program; it is not looked for in a shell"
    elif "permission denied" in reason:
        hint = "the file is there, but may not be executed"
    else:
        hint = "the runtime could not start it"
    yield event, f"The command was not started: {hint}. {_last_part(reason)}"


def _last_part(reason: str) -> str:
    """runc's words, without what containerd and Kubernetes put before them."""
    return reason.rpartition("unable to start container process: ")[2]


@rule("exit-code", "failure")
def exit_code(story: Story) -> Found:
    """The command ran and failed."""
    event = story.process("exited")
    code = event.info.get("code") if event else None
    if event is not None and isinstance(code, int) and code:
        yield event, f"The command itself failed: {exit_text(code)}."


def exit_text(code: int) -> str:
    """What an exit code says."""
    if code in _MEANINGS:
        return f"exit code {code}, {_MEANINGS[code]}"
    if code > 128:
        try:
            name = signal.Signals(code - 128).name
        except ValueError:
            return f"exit code {code}"
        hint = " (often the kernel, for want of memory)" if name == "SIGKILL" else ""
        return f"exit code {code}, that is {name}{hint}"
    return f"exit code {code}"


@rule("output-held", "wait")
def output_held(story: Story) -> Found:
    """The command has ended, and its output has not: held by another process, or slow."""
    event = story.process("output held")
    if event is None:
        return
    statuses = story.find("remotecommand", "status")
    late = statuses[0].ts - event.ts if statuses else story.waited
    since = f" for {seconds(late)}" if late > _LONG else ""
    begin = f"The command has ended, but its status was not sent{since}, because"
    if not event.info.get("pids"):
        yield (
            event,
            f"{begin} what it had written was still on its way: the client, or somebody"
            " between, reads more slowly than the command wrote. Nobody else holds its"
            " output open.",
        )
        return
    yield (
        event,
        f"{begin} {_holders(event.info)} still holds its output open: the runtime waits"
        " for the end of the output first. Start such a process with its output"
        " redirected.",
    )


def _holders(info: dict[str, Any]) -> str:
    pids, commands = info.get("pids") or [], info.get("commands") or []
    named = [
        f"process {pid} ({command})" if command else f"process {pid}"
        for pid, command in zip(pids, commands, strict=False)
    ]
    return " and ".join(named[:3])


@rule("client-left", "note")
def client_left(story: Story) -> Found:
    """The client went away while the command ran."""
    event = story.left
    if event is None or story.process_before_leaving("exited"):
        return
    if story.gone_first not in ("", "client"):
        return  # the client was cut off, which another rule tells
    if event.info.get("process_stays") and story.process("started"):
        yield (
            event,
            "The client left, or was cut off, before the command had ended. The command"
            " is not told: its stdin ends, and unless that makes it end it runs on in"
            " the container, without anybody who reads its output.",
        )
    elif not event.info.get("process_stays"):
        yield event, "The client left; the container goes on as before."


@rule("idle-timeout", "failure")
def idle_timeout(story: Story) -> Found:
    """The runtime cut an idle session."""
    event = story.process("idle timeout")
    if event is not None:
        limit = event.info.get("seconds")
        how_long = f" for {seconds(limit)}" if isinstance(limit, int | float) else ""
        yield (
            event,
            f"The runtime cut the connection: nothing was written or read{how_long}."
            " Pings do not count on a WebSocket. (streamIdleTimeout; mini-cri"
            " --stream-idle-timeout)",
        )


@rule("streams-missing", "failure")
def streams_missing(story: Story) -> Found:
    """A SPDY client did not open all its streams."""
    event = story.process("streams missing")
    if event is not None:
        opened = [e.info.get("name") for e in story.find("spdy", "syn_stream")]
        names = ", ".join(str(name) for name in opened if name) or "none"
        yield (
            event,
            "The runtime gave up: the client had to open a SPDY stream for error and"
            f" for each of stdin, stdout, stderr that it asked for, and opened {names}.",
        )


@rule("no-terminal-size", "note")
def no_terminal_size(story: Story) -> Found:
    """A terminal without a size."""
    event = story.process("started")
    if event is not None and event.info.get("tty") and not event.info.get("terminal"):
        yield (
            event,
            "The client has not said how large its terminal is, so the command sees 0"
            " rows and columns: full-screen programs will look wrong until a resize.",
        )


@rule("no-stdin-in-container", "wait")
def no_stdin(story: Story) -> Found:
    """attach -i to a container that has no stdin."""
    event = story.process("attached")
    if event is None:
        return
    if "stdin" in (event.info.get("wanted") or ()) and event.info.get("stdin") is False:
        yield (
            event,
            f"Container {event.info.get('container')} was made with stdin: false, so"
            " what is typed goes nowhere, and the end of stdin ends nothing: attach"
            " goes on until the container ends.",
        )


def _texts(story: Story) -> list[tuple[Event, str]]:
    """Everything that a part said about a failure, the innermost first."""
    found: list[tuple[Event, str]] = [
        (event, str(event.info.get("reason") or ""))
        for event in story.find("process", "not started")
    ]
    found += [
        (each.response, each.message)
        for each in reversed(story.streams)
        if each.response is not None and each.status >= 400
    ]
    for event in story.find("remotecommand", "status"):
        status = event.info.get("status")
        if isinstance(status, dict):
            found.append((event, str(status.get("message") or "")))
    return found
