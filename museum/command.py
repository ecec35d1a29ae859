"""`mini-kube reproduce`: show a known trouble, and that it is gone without its cause."""

from __future__ import annotations

import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from hops.cluster_view import ClusterView
    from museum.exhibit import Exhibit
    from museum.runner import Run, Shown

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("exhibits", nargs="*", metavar="NAME", help="which; `all` for all; none: list")
    add(
        "--kubectl",
        type=Path,
        metavar="PATH",
        help="a real kubectl (default: the one on PATH)",
    )
    add(
        "--with-kubectl",
        action="store_true",
        help="use the real kubectl for everything, in place of mini-kubectl",
    )
    add("--picture", action="store_true", help="draw the session, as Mermaid")
    add("--pages", type=Path, metavar="DIR", help="write a page for each into DIR")


def run(options: argparse.Namespace, view: ClusterView | None) -> int:
    """Show them, in clusters of their own: `view` is left alone."""
    from museum.exhibits import EXHIBITS

    names = options.exhibits
    if not names and options.pages is None:
        _list(list(EXHIBITS.values()))
        return 0
    if names in ([], ["all"]):
        names = list(EXHIBITS)
    if unknown := [name for name in names if name not in EXHIBITS]:
        text = ", ".join(unknown)
        print(
            f"mini-kube: there is no exhibit {text}: run mini-kube reproduce for a list"
        )
        return 1
    return _show([EXHIBITS[name] for name in names], options)


def _list(exhibits: Sequence[Exhibit]) -> None:
    width = max(len(each.name) for each in exhibits)
    for each in exhibits:
        print(f"{each.name:<{width}}  {each.title}")
        print(f"{'':<{width}}  {each.url}")


def _show(exhibits: Sequence[Exhibit], options: argparse.Namespace) -> int:
    from museum.pages import write_index, write_page
    from museum.runner import Museum

    shown: list[Shown] = []
    failed = False
    with Museum(_kubectl(options), with_real=options.with_kubectl) as museum:
        for exhibit in exhibits:
            try:
                each = museum.show(exhibit)
            except LookupError as error:
                print(f"mini-kube: {exhibit.name}: {error}", file=sys.stderr)
                failed = True
                continue
            shown.append(each)
            failed |= not each.holds
            _print(each, picture=options.picture)
            if options.pages is not None:
                write_page(options.pages, each)
    if options.pages is not None:
        write_index(options.pages)
    return int(failed)


def _kubectl(options: argparse.Namespace) -> Path | None:
    if options.kubectl is not None:
        path: Path = options.kubectl.absolute()
        return path
    found = shutil.which("kubectl")
    return Path(found) if found else None


def _print(shown: Shown, *, picture: bool) -> None:
    exhibit = shown.exhibit
    print(f"\n{exhibit.name}: {exhibit.title}\n{exhibit.url}\n")
    print(textwrap.indent(exhibit.story, "  "))
    _print_run("with its cause", shown.troubled, expected=True, picture=picture)
    _print_run("without", shown.healthy, expected=False, picture=picture)


def _print_run(title: str, run: Run, *, expected: bool, picture: bool) -> None:
    print(f"\n  {title}:")
    print(textwrap.indent("\n".join(run.transcript), "    "))
    found = "the trouble shows" if run.seen.symptom else "no trouble"
    surprise = "" if run.seen.symptom == expected else "  <- NOT AS IT SHOULD BE"
    print(f"  {found}: {run.seen.words}{surprise}")
    if picture and run.picture:
        print(textwrap.indent(run.picture, "    "))
