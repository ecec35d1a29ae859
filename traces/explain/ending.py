"""How streams ended: with a status, without one, with too many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from traces.explain.explanation import rule
from traces.explain.story import Exchange, seconds
from traces.lanes import dialler_of, listener_of

if TYPE_CHECKING:
    from traces.events import Event
    from traces.explain.explanation import Found
    from traces.explain.story import Story

__all__: list[str] = []

_NORMAL: Final = 1000
#: client-go tools/remotecommand/websocket.go: only a pong extends it.
_READ_DEADLINE: Final = 61.0
_CANCEL: Final = 5  # RST_STREAM's status; how a server ends what is over


@rule("cut-without-status", "failure")
def cut_without_status(story: Story) -> Found:
    """The stream ended with neither a status nor a proper close."""
    final = story.final
    if not story.is_command or final is None or not final.upgraded:
        return
    if final.closed is None or story.statuses or _closes(final):
        return
    first = story.first_end
    if first is None or story.process("idle timeout") or story.gone_first == "client":
        return
    where = f"from {dialler_of(first.hop)} to {listener_of(first.hop)}"
    reason = str(first.info.get("reason") or "")
    told = f" ({reason})" if reason else ""
    yield (
        first,
        f"The connection {where} was cut{told} without a status: the"
        f" {story.gone_first} went first. The client cannot know how the command ended:"
        " it says unexpected EOF and exits 1.",
    )


@rule("success-without-status", "failure")
def success_without_status(story: Story) -> Found:
    """A proper end and no status: clients take it for success."""
    final = story.final
    if not story.is_command or final is None or not final.upgraded or story.statuses:
        return
    closes = [e for e in _closes(final) if e.dir == "down"]
    if closes and closes[0].info.get("code") == _NORMAL and not _by_client(final):
        yield (
            closes[0],
            "The stream was closed properly (1000) without a status. kubectl takes that"
            " for exit code 0, whatever the command did.",
        )


@rule("closed-with-code", "failure")
def closed_with_code(story: Story) -> Found:
    """A close frame that says what was wrong."""
    for exchange in story.streams:
        for event in _closes(exchange):
            code = event.info.get("code")
            if (
                isinstance(code, int)
                and code not in (_NORMAL, 1005)
                and _outer(story, event)
            ):
                who = (
                    listener_of(event.hop)
                    if event.dir == "down"
                    else dialler_of(event.hop)
                )
                said = event.info.get("reason") or "without a reason"
                yield (
                    event,
                    f"The {who} closed the WebSocket with code {code}: {said}.",
                )
                return


@rule("client-closed", "note")
def client_closed(story: Story) -> Found:
    """The client's close frame ends everything at once."""
    final = story.final
    if final is None or not story.is_command or story.statuses:
        return
    if event := _by_client(final):
        yield (
            event,
            "The client closed the WebSocket before the command had ended. That ends"
            " the session at once: nothing more is sent, no status either. (Closing is"
            " no way to say that stdin has ended.)",
        )


@rule("status-lost", "failure")
def status_lost(story: Story) -> Found:
    """A status went off at the runtime and did not arrive."""
    final = story.final
    if final is None or not story.is_command or story.statuses or not story.is_over:
        return
    inner = [e for e in story.find("remotecommand", "status") if e.hop != final.hop]
    if inner and not _by_client(final):
        last = inner[-1]
        yield (
            last,
            f"The {listener_of(inner[0].hop)} sent a status, but it got no further than"
            f" the {dialler_of(last.hop)}.",
        )


@rule("status-malformed", "failure")
def status_malformed(story: Story) -> Found:
    """A status that is no Status."""
    for event in story.statuses:
        if not isinstance(event.info.get("status"), dict):
            text = str(event.info.get("text") or "")[:80]
            yield (
                event,
                f"What came as status is no Status object but {text!r}: clients fail"
                " with an error of their own and exit 1.",
            )


@rule("two-statuses", "failure")
def two_statuses(story: Story) -> Found:
    """More than one status."""
    if len(story.statuses) > 1:
        yield (
            story.statuses[1],
            f"{len(story.statuses)} statuses came. A client reads all of them as one"
            " JSON value, which they are not.",
        )


@rule("output-after-status", "failure")
def output_after_status(story: Story) -> Found:
    """Output behind the status."""
    final = story.final
    if final is None or not story.statuses:
        return
    status = story.statuses[0]
    for event in final.after("channel", "stdout", "stderr"):
        if event.len and _before(status, event):
            yield event, "Output came after the status; clients may not print it."
            return


@rule("ping-unanswered", "failure")
def ping_unanswered(story: Story) -> Found:
    """The client's pings get no pong."""
    final = story.final
    if final is None:
        return
    pings = [e for e in final.after("websocket", "ping") if e.dir == "up"]
    pongs = [e for e in final.after("websocket", "pong") if e.dir == "down"]
    if len(pings) < 2 or len(pongs) >= len(pings) - 1:
        return
    first = pings[len(pongs)]
    yield (
        first,
        f"Pings of the client stay without a pong since then. kubectl gives up"
        f" {seconds(_READ_DEADLINE)} after the last pong, however much data comes.",
    )


@rule("text-message", "failure")
def text_message(story: Story) -> Found:
    """A text frame where binary ones belong."""
    final = story.final
    if final is None or "base64" in final.subprotocol:
        return
    for event in final.after("websocket", "text"):
        if event.dir == "down":
            yield (
                event,
                "The server sent a text message; with"
                f" {final.subprotocol or 'this protocol'} only binary ones are allowed,"
                " and kubectl ends with: unexpected message type.",
            )
            return


@rule("unknown-channel", "note")
def unknown_channel(story: Story) -> Found:
    """Data on a channel that there is none."""
    if not story.is_command:
        return
    for event in story.find("channel"):
        if event.type.startswith("channel-"):
            yield (
                event,
                f"Data came on {event.type.replace('-', ' ')}, which exec and attach do"
                " not have; it is ignored.",
            )
            return


@rule("spdy-reset", "failure")
def spdy_reset(story: Story) -> Found:
    """A stream was reset before the status."""
    final = story.final
    if final is None:
        return
    for event in final.after("spdy", "rst_stream"):
        before = not story.statuses or _before(event, story.statuses[0])
        if before and event.info.get("status") != _CANCEL:
            name = event.info.get("name") or event.stream
            yield (
                event,
                f"SPDY stream {name} was reset with status {event.info.get('status')}"
                " before the command's status came.",
            )


@rule("spdy-goaway", "failure")
def spdy_goaway(story: Story) -> Found:
    """The connection was to be left before the status."""
    final = story.final
    if final is None or not story.is_command:
        return
    for event in final.after("spdy", "goaway"):
        if event.dir == "down" and not story.statuses:
            yield event, "The server said GOAWAY before it had sent a status."
            return


def _before(one: Event, other: Event) -> bool:
    return (one.wall, one.seq) < (other.wall, other.seq)


def _closes(exchange: Exchange) -> list[Event]:
    return exchange.after("websocket", "close")


def _by_client(exchange: Exchange) -> Event | None:
    """The client's close frame, when it was the first."""
    closes = _closes(exchange)
    return closes[0] if closes and closes[0].dir == "up" else None


def _outer(story: Story, event: Event) -> bool:
    """A close frame is passed on: it is told where it was seen last, at the client."""
    return event.hop == story.outermost
