"""`mini-kube clock`: move the clock of the services ahead, or show how far it is.

mini-kube clock advance 4h
mini-kube clock advance 50s --service apiserver
mini-kube clock show
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from apimachinery.go_duration import parse_duration
from faults.clock_control import ClockError, advance, offsets

if TYPE_CHECKING:
    import argparse

    from hops.cluster_view import ClusterView

__all__ = ["configure", "run", "shown_seconds"]


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    # So that `-1h` is a duration, and gets our answer, not that of an unknown flag.
    parser._negative_number_matcher = re.compile(r"-[\d.]")  # noqa: SLF001
    parser.add_argument("action", choices=["advance", "show"])
    parser.add_argument(
        "duration", nargs="?", default="", help="how much time has passed: 90s, 1h30m"
    )
    parser.add_argument(
        "--service",
        action="append",
        default=[],
        metavar="NAME",
        help="move this one only, e.g. apiserver; may be repeated (default: all)",
    )


def run(options: argparse.Namespace, view: ClusterView | None) -> int:
    """Move, or show."""
    if view is None:
        return _fail("there is no cluster: run mini-kube up")
    try:
        if options.action == "advance":
            seconds = parse_duration(options.duration)
            if seconds < 0:
                return _fail(f"{options.duration}: the clock goes forwards only")
            advance(view, seconds, options.service)
        found = sorted(offsets(view).items())
        width = max((len(service) for service, _ in found), default=0)
        for service, ahead in found:
            print(f"{service:<{max(width, 20)}} {shown_seconds(ahead)} ahead")
    except ValueError:
        return _fail(f"{options.duration!r}: a duration is expected, as 90s or 1h30m")
    except ClockError as err:
        return _fail(str(err))
    return 0


def shown_seconds(seconds: float) -> str:
    """`3660s`, `0.5s`: to the millisecond, and all digits of ten years."""
    return f"{round(seconds, 3):.15g}s"


def _fail(text: str) -> int:
    print(f"mini-kube: {text}", file=sys.stderr)
    return 1
