"""What a session wrote on its terminal, and when: for recordings and replays.

It is taken where the client saw it, or as far out as it was seen.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from traces.flows import stream_name
from traces.outcome import HOPS_INWARDS
from traces.vantage import one_vantage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from traces.events import Event
    from traces.sessions import Session

__all__ = ["Moment", "Transcript", "transcript_of"]

_WIDTH, _HEIGHT = 80, 24
_OUTPUTS = ("stdout", "stderr")
_LARGEST = 10_000  # columns or rows that anybody believes
_HOPS = (*HOPS_INWARDS, "cri-shim")


@dataclass(frozen=True, slots=True)
class Moment:
    """Something happened `time` seconds after the session began.

    `text` is output or input; for a resize it is WIDTHxHEIGHT.
    """

    time: float
    kind: Literal["output", "input", "resize"]
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """A terminal's story.

    Args:
        width, height: of the terminal at first.
        moments: in the order of time.
        ended: seconds after the session began.
    """

    width: int
    height: int
    moments: list[Moment]
    ended: float
    exit_code: int | None


def transcript_of(session: Session) -> Transcript:
    """The transcript of an exec or attach; of others it has no moments."""
    events = [event for event in session.events if _matters(event)]
    hop = next((hop for hop in _HOPS if any(_is_output(e, hop) for e in events)), None)
    if hop is None:
        hop = next((hop for hop in _HOPS if any(e.hop == hop for e in events)), "")
    seen = one_vantage(event for event in events if event.hop == hop)
    moments = list(_moments(session, seen))
    width, height = _WIDTH, _HEIGHT
    if moments and moments[0].kind == "resize":
        width, height = map(int, moments.pop(0).text.split("x"))
    return Transcript(width, height, moments, session.duration, session.exit_code)


def _matters(event: Event) -> bool:
    return bool(stream_name(event)) or event.type == "resize"


def _is_output(event: Event, hop: str) -> bool:
    return event.hop == hop and stream_name(event) in _OUTPUTS and event.len > 0


def _moments(session: Session, events: Iterable[Event]) -> Iterator[Moment]:
    has_tty = "tty" in session.asked.streams
    decoders = {
        name: codecs.getincrementaldecoder("utf-8")("replace")
        for name in ("stdin", *_OUTPUTS)
    }
    for event in events:
        time = event.wall - session.started
        size = _size(event)
        if size:
            yield Moment(time, "resize", size)
            continue
        name = stream_name(event)
        if name not in decoders:
            continue
        text = decoders[name].decode(event.payload or b"") + _lacking(event)
        if name in _OUTPUTS and not has_tty:
            text = text.replace("\n", "\r\n")  # as the client's own terminal does it
        if text:
            yield Moment(time, "input" if name == "stdin" else "output", text)


def _size(event: Event) -> str:
    """WIDTHxHEIGHT of a resize; "" for other events."""
    if event.layer not in ("remotecommand", "process") or event.type != "resize":
        return ""
    sides = [event.info.get(side) for side in ("width", "height")]
    if all(isinstance(side, int) and 0 < side <= _LARGEST for side in sides):
        return f"{sides[0]}x{sides[1]}"
    return ""


def _lacking(event: Event) -> str:
    """Says it where a trace has only the first bytes."""
    lacking = event.len - len(event.payload or b"")
    return f"\x1b[2m[{lacking} bytes not recorded]\x1b[22m" if lacking > 0 else ""
