"""The formats of `mini-kube trace show`: a table, each in a module of its own.

A renderer takes sessions and options and answers the whole file; it reads and writes
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from traces.formats.options import Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from traces.sessions import Session

__all__ = ["FORMATS", "Format", "Options", "render"]


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Args:
        name: as given with `--format`.
        suffix: of a file that holds it.
        what: one line for people.
        is_text: whether a terminal can show it.
        needs_bytes: whether the trace has to be made with `bytes=all`.
        module: where its `render` is; loaded when it is asked for.
    """

    name: str
    suffix: str
    what: str
    module: str
    is_text: bool = True
    needs_bytes: bool = False

    @property
    def is_json(self) -> bool:
        """Whether it is JSON, in one document or in lines."""
        return self.suffix in (".har", ".cast", ".json", ".jsonl")

    def render(self, sessions: Sequence[Session], options: Options) -> bytes:
        """The file. Text is UTF-8.

        Raises:
            RenderError: these sessions cannot be shown so; the text says why.
        """
        found = import_module(self.module).render(sessions, options)
        return found.encode("utf-8", "replace") if isinstance(found, str) else found


def _format(name: str, suffix: str, what: str, **facts: bool) -> Format:
    return Format(name, suffix, what, f"traces.formats.{name}", **facts)


#: name -> format
FORMATS = {
    each.name: each
    for each in (
        _format("text", ".txt", "sequence diagram for a terminal"),
        _format("mermaid", ".mmd", "sequence diagram for Markdown"),
        _format("html", ".html", "one page with lanes, bytes and the terminal"),
        _format("har", ".har", "HTTP archive with WebSocket messages"),
        _format(
            "pcapng",
            ".pcapng",
            "packets for Wireshark",
            is_text=False,
            needs_bytes=True,
        ),
        _format("asciicast", ".cast", "terminal recording, asciicast v2"),
        _format("asciicast3", ".cast", "terminal recording, asciicast v3"),
        _format("otlp", ".json", "OpenTelemetry spans, a span a hop"),
        _format("jsonl", ".jsonl", "the events, to be read again"),
    )
}


def render(
    name: str, sessions: Sequence[Session], options: Options | None = None
) -> bytes:
    """Show sessions in a format by its name.

    Raises:
        KeyError: there is no such format.
        RenderError: these sessions cannot be shown so.
    """
    return FORMATS[name].render(sessions, options or Options())
