"""logs: why there is no more, or not all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from traces.explain.access import refusals
from traces.explain.explanation import rule

if TYPE_CHECKING:
    from traces.explain.explanation import Found
    from traces.explain.story import Exchange, Story

__all__: list[str] = []


@rule("log-previous-missing", "failure")
def previous_missing(story: Story) -> Found:
    """-p without a run before."""
    for exchange in refusals(story):
        if "previous terminated container" in exchange.message and exchange.response:
            yield (
                exchange.response,
                "There is no run of the container before this one: it has not been"
                " restarted, or what is left of that run was cleared away.",
            )


@rule("log-follow-ended", "note")
def follow_ended(story: Story) -> Found:
    """-f ends when the container does."""
    final = _answered(story)
    if final is None or not _truth(final.query("follow")):
        return
    if final.body_end is not None and final.body_end.dir == "down":
        yield (
            final.body_end,
            "Following ended because the server had no more to come: the container has"
            " ended. kubectl does not follow into the container's next run.",
        )


@rule("log-limited", "note")
def limited(story: Story) -> Found:
    """--limit-bytes cut the log."""
    final = _answered(story)
    limit = final.query("limitBytes") if final else ""
    if final is None or not limit.isdecimal() or final.response is None:
        return
    if final.body_length >= int(limit):
        yield (
            final.body_end or final.response,
            f"The log was cut after {limit} bytes, as limitBytes asked, maybe within a"
            " line.",
        )


@rule("log-tail", "note")
def tail(story: Story) -> Found:
    """--tail leaves out what is older."""
    final = _answered(story)
    lines = final.query("tailLines") if final else ""
    if final is None or not lines.isdecimal() or final.response is None:
        return
    if final.body_length == len(final.body) and not _truth(final.query("follow")):
        came = final.body.count(b"\n")
        if came < int(lines):
            return
    yield (
        final.response,
        f"Only the last {lines} lines were asked for (tailLines); what is older was"
        " left out. kubectl asks for 10 by itself when pods are chosen by a selector.",
    )


@rule("log-rotated", "note")
def rotated(story: Story) -> Found:
    """The log file was changed for a new one."""
    for event in story.find("crilog", "rotated"):
        yield (
            event,
            "The log was rotated. A follower goes on in the new file; who comes later"
            " sees only what the newest file has.",
        )


def _answered(story: Story) -> Exchange | None:
    final = story.final
    return final if final and story.verb == "logs" and final.status == 200 else None


def _truth(text: str) -> bool:
    return text.lower() in ("1", "t", "true")
