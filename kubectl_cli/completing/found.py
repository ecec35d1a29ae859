"""What may stand at the end of a command line, and what the shell is to make of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntFlag

__all__ = ["Directive", "Found"]


class Directive(IntFlag):
    """Source: spf13/cobra completions.go (ShellCompDirective)."""

    DEFAULT = 0
    ERROR = 1
    NO_SPACE = 2
    NO_FILE_COMP = 4
    FILTER_FILE_EXT = 8

    @property
    def names(self) -> str:
        """As the last line on stderr has them."""
        words = [each for each in Directive if each in self and each] or [self]
        camel = (
            "".join(part.capitalize() for part in (each.name or "").split("_"))
            for each in words
        )
        return ", ".join(f"ShellCompDirective{name}" for name in camel)


@dataclass(slots=True)
class Found:
    """Words, each perhaps followed by a tab and what it means."""

    words: list[str] = field(default_factory=list)
    directive: Directive = Directive.DEFAULT
    error: str = ""
