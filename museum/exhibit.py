"""What an exhibit is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from museum.stage import Stage

__all__ = ["Exhibit", "Seen"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run showed.

    Attributes:
        symptom: whether the trouble was there.
        words: what was seen, in one line.
    """

    symptom: bool
    words: str


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A known trouble.

    Attributes:
        name: as given to `mini-kube reproduce`.
        issue: where it is told, `OWNER/REPOSITORY#NUMBER`.
        title: the trouble, in a line.
        story: what happens, hop by hop; Markdown, lines of at most 88 characters.
        run: shows it. On a stage that is not troubled its faults do nothing.
        needs_kubectl: the trouble is kubectl's own, so it is shown with the real one.
        versions: emulated with the trouble, and without; empty: the newest.
    """

    name: str
    issue: str
    title: str
    story: str
    run: Callable[[Stage], Seen]
    needs_kubectl: bool = False
    versions: tuple[str, str] = ("", "")

    @property
    def url(self) -> str:
        """The issue's page."""
        repository, _, number = self.issue.partition("#")
        return f"https://github.com/{repository}/issues/{number}"
