"""All keys, and the language of filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.screen import ModalScreen
from textual.widgets import Static

from traces.filter import FIELDS

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

__all__ = ["HelpScreen"]

_TEXT = f"""\
[b]Keys[/b]
  ↑ ↓ PgUp PgDn   move              Enter   open
  /               filter            q Esc   back, quit
  1 … 5           tabs of a session ?       this help
  a               all frames        Space   play the terminal
  g G             first, last       f       stay with the newest

[b]Filter[/b]
  verb=exec and (length>1k or status!=0)
  pod=web*   command~"sh -c"   fault=*   not hop=kubelet-cri
  Fields: {", ".join(FIELDS)}
"""


class HelpScreen(ModalScreen[None]):
    """Goes away with any of these keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,question_mark,enter", "dismiss", "Close")
    ]

    def compose(self) -> ComposeResult:
        """One box."""
        yield Static(_TEXT, id="help")
