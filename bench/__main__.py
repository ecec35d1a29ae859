"""`make bench`: measure a cluster on this machine and print the table.

Figures of one run belong together: what is compared is measured in turn, and ratios
are within the run. `make bench ARGS="latency echo"` measures only those.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from bench.measures import MEASURES
from bench.subject import Subject
from bench.table import Table


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "measures", nargs="*", metavar="MEASURE", help=", ".join(MEASURES)
    )
    parser.add_argument(
        "--kubectl",
        type=Path,
        default=_kubectl(),
        help="the real kubectl to compare with (default %(default)s)",
    )
    options = parser.parse_args()
    names = options.measures or list(MEASURES)
    if unknown := set(names) - set(MEASURES):
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    table = Table()
    table.head()
    with Subject(options.kubectl) as subject:
        for name in names:
            for row in MEASURES[name](subject):
                table.add(row)


def _kubectl() -> Path | None:
    """The newest installed one: of the tests' cache, else on PATH."""
    cached = sorted(Path(".cache/kubectl").glob("kubectl.1.*"))
    if cached:
        return cached[-1].absolute()
    found = shutil.which("kubectl")
    return Path(found) if found else None


if __name__ == "__main__":
    main()
