"""A session as the page draws it: plain JSON, which a browser gets as data.

The same goes to the dashboard. Keys are short since there may be many rows:

    t  ms since the session began    s, e  lanes from and to, as numbers
    k  kind (`traces.labels.KINDS`)  x, d  text and detail
    h  hop        c  connection      n     bytes of payload
    b  payload in base64, if it was kept
    f  fault      o  rows of other hops with some of the same bytes
    w  which bytes: [stream, start, end]
    q  what is to be said of it
    p  the events: [layer, type, stream, channel, bytes, info]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from traces.flows import give_flows, same_bytes
from traces.labels import label_of
from traces.lanes import lanes_of
from traces.rows import rows_of
from traces.terminal import transcript_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from traces.events import Event, JsonObject
    from traces.rows import Row
    from traces.sessions import Session

__all__ = ["picture_of", "picture_of_row"]


def picture_of(
    session: Session,
    *,
    everything: bool = False,
    notes: Mapping[int, Sequence[str]] | None = None,
) -> JsonObject:
    """All that the page needs of one session; `notes` by the `seq` of their events."""
    rows = rows_of(session, everything=everything)
    give_flows(rows)
    lanes = lanes_of(row.top for row in rows)
    same = same_bytes(rows)
    started = session.started
    drawn = []
    for index, row in enumerate(rows):
        item = picture_of_row(row, lanes, started)
        if said := [n for e in row.events for n in (notes or {}).get(e.seq, ())]:
            item["q"] = said
        if index in same:
            item["o"] = sorted(same[index])
        drawn.append(item)
    return {
        "session": _facts(session),
        "lanes": list(lanes),
        "rows": drawn,
        "terminal": _terminal(session),
    }


def picture_of_row(row: Row, lanes: tuple[str, ...], started: float) -> JsonObject:
    """One row."""
    label = label_of(row)
    item: JsonObject = {
        "t": round((row.wall - started) * 1000, 3),
        "s": lanes.index(row.start),
        "e": lanes.index(row.end),
        "k": label.kind,
        "x": label.text,
        "d": label.detail,
        "h": row.top.hop,
        "c": row.first.conn,
        "v": row.first.process,
        "p": [_event(event) for event in row.events],
    }
    payload = row.payload
    if payload is not None and payload.data:
        item["b"], item["n"] = payload.data, payload.len
    if row.fault:
        item["f"] = row.fault
    if row.flow is not None:
        item["w"] = list(row.flow)
    return item


def _facts(session: Session) -> JsonObject:
    return {
        "id": session.id,
        "title": session.title,
        "verb": session.verb,
        "client": session.client,
        "transport": session.transport,
        "subprotocol": session.subprotocol,
        "status": session.status,
        "exit": session.exit_code,
        "open": session.is_open,
        "started": session.started,
        "duration": round(session.duration * 1000, 3),
        "faults": list(session.faults),
    }


def _event(event: Event) -> list[Any]:
    return [
        event.layer,
        event.type,
        event.stream,
        event.channel,
        event.len,
        event.info,
    ]


def _terminal(session: Session) -> JsonObject | None:
    """None for sessions without output."""
    if session.verb not in ("exec", "attach"):
        return None
    transcript = transcript_of(session)
    if not transcript.moments:
        return None
    return {
        "width": transcript.width,
        "height": transcript.height,
        "ended": round(transcript.ended * 1000, 3),
        "exit": transcript.exit_code,
        "moments": [
            [round(moment.time * 1000, 3), moment.kind[0], moment.text]
            for moment in transcript.moments
        ],
    }
