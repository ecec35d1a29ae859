"""Faults that acted, and bytes that nobody understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from traces.explain.explanation import rule

if TYPE_CHECKING:
    from traces.events import Event
    from traces.explain.explanation import Found
    from traces.explain.story import Story

__all__: list[str] = []


@rule("fault", "note")
def fault(story: Story) -> Found:
    """Something was broken on purpose."""
    acted: dict[tuple[str, str], list[Event]] = {}
    for event in story.all:
        if event.fault:
            acted.setdefault((event.fault, event.hop), []).append(event)
    for (name, hop), events in acted.items():
        kinds = ", ".join(dict.fromkeys(event.type for event in events))
        times = f" {len(events)} times" if len(events) > 1 else ""
        yield (
            events[0],
            f"Fault {name} acted{times} on {hop} ({kinds}): what follows may be its work.",
        )


@rule("undecodable", "failure")
def undecodable(story: Story) -> Found:
    """Bytes that are not what they should be."""
    told = set()
    for event in story.find("raw", "undecodable") + story.find(
        "channel", "undecodable"
    ):
        if event.hop not in told:
            told.add(event.hop)
            way = "client" if event.dir == "up" else "server"
            yield (
                event,
                f"What the {way} side sent on {event.hop} breaks the protocol:"
                f" {event.info.get('error')}.",
            )
