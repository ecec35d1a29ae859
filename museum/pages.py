"""The exhibits' pages: what happens, a session, and its sequence diagram.

`make museum` writes them from a real run, so what they show has happened.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from museum.exhibits import EXHIBITS

if TYPE_CHECKING:
    from pathlib import Path

    from museum.runner import Run, Shown

__all__ = ["index", "page", "write_index", "write_page"]

_INDEX_HEAD = """\
# Known troubles

Troubles that people have had with exec, attach, port-forward, logs and cp on real
systems, each by its public issue. `mini-kube reproduce NAME` shows one: with its cause
the symptom is there, without it everything passes. The pages are written by
`make museum` from a real run.

| flag | |
|---|---|
| `--with-kubectl` | the real kubectl does everything, in place of mini-kubectl |
| `--kubectl PATH` | a real kubectl; by default the one on PATH |
| `--picture` | draw the session, as Mermaid |
| `--pages DIR` | write a page for each into DIR |

| name | trouble | issue |
|---|---|---|
"""


def page(shown: Shown) -> str:
    """The page of one exhibit, in Markdown."""
    exhibit = shown.exhibit
    return "\n".join(
        (
            f"# {exhibit.title[0].upper()}{exhibit.title[1:]}",
            "",
            f"[{exhibit.issue}]({exhibit.url}) · `mini-kube reproduce {exhibit.name}`",
            "",
            exhibit.story,
            "",
            "## With its cause",
            "",
            *_run(shown.troubled),
            "",
            "## Without",
            "",
            *_run(shown.healthy),
            "",
        )
    )


def write_page(folder: Path, shown: Shown) -> None:
    """Write `NAME.md` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{shown.exhibit.name}.md").write_text(page(shown))


def index() -> str:
    """The list of all exhibits, in Markdown."""
    rows = (
        f"| [{each.name}]({each.name}.md) | {each.title} | [{each.issue}]({each.url}) |"
        for each in EXHIBITS.values()
    )
    return _INDEX_HEAD + "\n".join(rows) + "\n"


def write_index(folder: Path) -> None:
    """Write the list into `README.md`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(index())


def _run(run: Run) -> list[str]:
    lines = [
        "```",
        *map(_plain, run.transcript),
        "```",
        "",
        f"{_plain(run.seen.words)}.",
    ]
    if run.picture:
        lines += ["", "```mermaid", _plain(run.picture.strip()), "```"]
    return [line.rstrip() for text in lines for line in text.split("\n")]


def _plain(text: str) -> str:
    """Without what is another in each run: ports, session ids."""
    text = re.sub(r"127\.0\.0\.1:\d{4,5}\b", "127.0.0.1:PORT", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "SESSION", text)
    text = re.sub(r"\b00-SESSION-[0-9a-f]{16}-01\b", "TRACEPARENT", text)
    return re.sub(r"\b[0-9a-f]{64}\b", "CONTAINER", text)
