"""The line in which a filter is typed: hidden until `/`, small while one is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Input

from traces.filter import FilterError, parse_filter

if TYPE_CHECKING:
    from textual.binding import BindingType

    from traces.filter import Filter

__all__ = ["FilterBar"]


class FilterBar(Input):
    """Its screen hears of each key by `Input.Changed`, and asks `wanted`."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,enter", "leave", "Done")]

    def __init__(self, text: str = "") -> None:
        super().__init__(text, id="filter", placeholder="verb=exec and length>1k")
        self.border_title = "filter"
        self.set_class(bool(text), "kept")

    def open(self) -> None:
        """Show it, and type into it."""
        self.add_class("shown")
        self.focus()

    def action_leave(self) -> None:
        """What was typed stays in force: a line tells of it, without one it is hidden."""
        self.remove_class("shown")
        self.set_class(bool(self.value.strip()), "kept")
        self.screen.focus_next()

    def wanted(self) -> Filter | None:
        """The filter; None while the text is none, and the border says why."""
        try:
            found = parse_filter(self.value)
        except FilterError as err:
            self.border_title = f"filter: {err}"
            return None
        self.border_title = "filter"
        return found
