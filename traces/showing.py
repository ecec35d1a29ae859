"""`mini-kube trace show`: a session in one of the formats, with what is to be said of it."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from traces.explain.engine import explain
from traces.formats import FORMATS, Options
from traces.printable import json_for_terminal

if TYPE_CHECKING:
    from traces.sessions import Session

__all__ = ["notes_of", "show"]


def show(
    session: Session,
    name: str,
    output: str,
    *,
    everything: bool,
    explained: bool,
    fold: bool = False,
) -> int:
    """Write to a file, or to stdout when `output` is empty or `-`.

    Raises:
        RenderError: the session cannot be shown so. OSError: it cannot be written.
    """
    form = FORMATS[name]
    to_terminal = output in ("", "-") and sys.stdout.isatty()
    if to_terminal and not form.is_text:
        print(f"mini-kube: {name} is not for a terminal: say -o FILE", file=sys.stderr)
        return 1
    options = Options(
        color=to_terminal,
        width=shutil.get_terminal_size().columns if to_terminal else 0,
        everything=everything,
        fold=fold,
        notes=notes_of(session) if explained else {},
    )
    data = form.render([session], options)
    if output not in ("", "-"):
        with open(output, "wb", opener=_for_owner) as file:
            file.write(data)
        return 0
    if to_terminal and form.is_json:
        data = json_for_terminal(data.decode()).encode()
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    return 0


def _for_owner(path: str, flags: int) -> int:
    """What was said in a session is for who may read its trace: its owner."""
    return os.open(path, flags, 0o600)


def notes_of(session: Session) -> dict[int, list[str]]:
    """The explanations of a session, by the events that show them."""
    notes: dict[int, list[str]] = {}
    for one in explain(session.events):
        notes.setdefault(one.at.seq, []).append(one.text)
    return notes
