"""What a session waits for at this moment: rules that need to know that it still goes on.

A session that was left by its client, or whose trace ends in the middle, waited for the
same things: they are told of it, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from traces.explain.explanation import rule
from traces.explain.story import seconds
from traces.lanes import listener_of

if TYPE_CHECKING:
    from traces.events import Event
    from traces.explain.explanation import Found
    from traces.explain.story import Exchange, Story

__all__: list[str] = []

_LONG: Final = 1.0  # seconds of silence that are worth a word
_NO_END_OF_STDIN: Final = ("v4.", "channel.", "base64.", "")


@rule("stdin-cannot-end", "wait")
def stdin_cannot_end(story: Story) -> Found:
    """WebSocket before v5 has no end of stdin."""
    final = story.final
    if final is None or not _waited_for_stdin(story):
        return
    started = _started(story, final)
    if final.wants == "websocket" and not final.subprotocol.startswith("v5."):
        name = final.subprotocol or "without a subprotocol"
        yield (
            _last_stdin(story) or started,
            f"The command's stdin is still open: WebSocket {name} has no way to end it."
            " A command that reads to the end of its input waits for ever. v5 and SPDY"
            " can end it.",
        )


@rule("stdin-open", "wait")
def stdin_open(story: Story) -> Found:
    """The client has not ended stdin."""
    final = story.final
    if final is None or not _waited_for_stdin(story):
        return
    started = _started(story, final)
    can_end = final.wants != "websocket" or final.subprotocol.startswith("v5.")
    if can_end:
        yield (
            _last_stdin(story) or started,
            "The command's stdin is open: the client has not said that its input ends."
            " A command that reads to the end of its input waits for that.",
        )


def _started(story: Story, final: Exchange) -> Event:
    """The start of the command, or of the stream when no process was seen."""
    return story.process("started") or final.response or final.request


def _waited_for_stdin(story: Story) -> bool:
    """A command with stdin that neither ended nor was told the end of its input."""
    final = story.final
    if final is None or not story.is_command or "tty" in final.asked.streams:
        return False
    if not final.upgraded or (story.sees_process and not _runs(story)):
        return False
    if "stdin" not in final.asked.streams or story.process_before_leaving("exited"):
        return False
    if story.stdin_ended or not _unfinished(story):
        return False
    attached = story.process("attached")
    return attached is None or attached.info.get("stdin") is not False


def _runs(story: Story) -> bool:
    return bool(story.process("started") or story.process("attached"))


def _unfinished(story: Story) -> bool:
    """It still waits, or its client waited until it left."""
    if story.now is not None and not story.is_over:
        return story.waited >= _LONG
    return not story.statuses and story.left is not None


def _last_stdin(story: Story) -> Event | None:
    return next(iter(reversed(story.find("process", "stdin"))), None)


@rule("command-quiet", "wait")
def command_quiet(story: Story) -> Found:
    """The command runs and says nothing."""
    started = story.process("started")
    if started is None or story.process("exited") or not _waits_long(story):
        return
    if not _waited_for_stdin(story):
        words = " ".join(map(str, started.info.get("command") or ()))
        yield (
            story.last or started,
            f"The command {words!r} is running and has written nothing for"
            f" {seconds(story.waited)}; every hop is open. It is the command that"
            " takes its time.",
        )


@rule("attach-quiet", "wait")
def attach_quiet(story: Story) -> Found:
    """attach shows only what comes from now on."""
    attached = story.process("attached")
    if attached is None or not _waits_long(story):
        return
    if not story.find("process", "stdout", "stderr"):
        yield (
            attached,
            "The container has written nothing since. attach shows what is written from"
            " now on; what was written before is in the log.",
        )


@rule("answer-pending", "wait")
def answer_pending(story: Story) -> Found:
    """A request without an answer."""
    if not _waits_long(story):
        return
    pending = [each for each in story.exchanges if _is_pending(each)]
    if pending:
        innermost = pending[-1]
        whom = listener_of(innermost.hop)
        what = innermost.asked.verb or "a request"
        yield (
            innermost.request,
            f"The {whom} has not answered {what} for {seconds(story.waited)}; all that"
            " come before it on the way wait for that.",
        )


def _is_pending(exchange: Exchange) -> bool:
    return exchange.response is None and exchange.closed is None


@rule("call-pending", "wait")
def call_pending(story: Story) -> Found:
    """A CRI call without an answer."""
    if not _waits_long(story):
        return
    ended = {(e.conn, e.stream) for e in story.find("grpc", "status")}
    for event in story.find("grpc", "call"):
        name = str(event.info.get("method") or "").rpartition("/")[2]
        if (event.conn, event.stream) not in ended and event.hop == "kubelet-cri":
            yield (
                event,
                f"The runtime has not answered the kubelet's call {name} for"
                f" {seconds(story.waited)}.",
            )


@rule("forward-idle", "wait")
def forward_idle(story: Story) -> Found:
    """A forward that nobody uses."""
    final = story.final
    if story.verb != "port-forward" or not _waits_long(story) or final is None:
        return
    if final.upgraded and not (
        story.find("spdy", "syn_stream") or story.find("portforward")
    ):
        yield (
            final.response or final.request,
            "The forward is ready. It waits for somebody to connect to the local port;"
            " whether anybody listens in the pod is only found out then.",
        )


@rule("log-quiet", "wait")
def log_quiet(story: Story) -> Found:
    """A followed log that does not grow."""
    final = story.final
    if story.verb != "logs" or not _waits_long(story) or final is None:
        return
    if final.status == 200 and final.query("follow").lower() in ("1", "true", "t"):
        yield (
            story.last or final.request,
            f"The container has written nothing for {seconds(story.waited)}; following"
            " goes on until it ends.",
        )


@rule("stream-quiet", "wait")
def stream_quiet(story: Story) -> Found:
    """An open stream, and nobody who tells of the other end."""
    final = story.final
    if final is None or not story.is_command or not _waits_long(story):
        return
    if final.upgraded and not story.sees_process and not _waited_for_stdin(story):
        yield (
            story.last or final.request,
            f"The stream is open, and nothing has come for {seconds(story.waited)}. What"
            " the command does cannot be seen from here: the services of this cluster"
            " tell nothing.",
        )


def _waits_long(story: Story) -> bool:
    return story.is_waiting and story.waited >= _LONG
