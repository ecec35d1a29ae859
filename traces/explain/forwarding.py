"""port-forward: ports that nobody listens on, and forwards that are lost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from traces.explain.explanation import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from traces.events import Event
    from traces.explain.explanation import Found
    from traces.explain.story import Story

__all__: list[str] = []

_REFUSED: Final = re.compile(
    r"connection refused|failed to connect to|connect to port|nobody listens"
)
_PORT: Final = re.compile(r"port (\d+)|localhost:(\d+)|:(\d+): ")


@rule("port-refused", "failure")
def port_refused(story: Story) -> Found:
    """Nobody listens on the port in the pod."""
    for event, text in _errors(story):
        if _REFUSED.search(text):
            number = _PORT.search(text)
            port = next(filter(None, number.groups()), "") if number else ""
            yield (
                event,
                f"In the pod nobody listens on port {port or 'that was asked for'}, so"
                " the connection was refused there. The pod's own port is meant, not a"
                " Service's; a program that listens only on another address of the pod"
                " is not reached either.",
            )


@rule("port-failed", "failure")
def port_failed(story: Story) -> Found:
    """Another error of a forwarded connection."""
    for event, text in _errors(story):
        if not _REFUSED.search(text):
            yield event, f"The runtime could not forward a connection: {text}"


@rule("forward-lost", "failure")
def forward_lost(story: Story) -> Found:
    """The connection under all forwards ended."""
    final = story.final
    if story.verb != "port-forward" or final is None or not final.upgraded:
        return
    ends = [e for e in final.after("conn", "eof") if e.dir == "down"]
    ups = [e for e in final.after("conn", "eof") if e.dir == "up"]
    if ends and (not ups or ends[0].ts < ups[0].ts):
        yield (
            ends[0],
            "The server ended the connection that carries all forwards: the pod or a"
            " service on the way has gone. kubectl says: lost connection to pod.",
        )


def _errors(story: Story) -> Iterator[tuple[Event, str]]:
    """What came on error streams; each text once."""
    if story.verb != "port-forward" or story.final is None:
        return
    told = set()
    hop = story.final.hop
    for event in story.events:
        if event.hop != hop or event.dir != "down" or not _is_error(event):
            continue
        text = (event.payload or b"").decode(errors="replace").strip()
        text = text or str(event.info.get("text") or event.info.get("error") or "")
        if text and text not in told:
            told.add(text)
            yield event, text


def _is_error(event: Event) -> bool:
    if event.layer == "portforward":
        return event.type == "error"
    return event.layer == "spdy" and event.info.get("name") == "error"
