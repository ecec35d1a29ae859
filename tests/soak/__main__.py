"""Random operations under random faults: `python -m tests.soak --runs 10000`.

    python -m tests.soak --seed 4711 --runs 1     repeats one run

Each run is decided by its seed. What must hold is in `outcome.broken`; afterwards nothing
may be left running or open. The exit code is 1 when something did not hold.
"""

from __future__ import annotations

import argparse
import sys

from tests.soak.runner import soak
from tests.support.cluster import running_cluster


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=8)
    options = parser.parse_args()
    with running_cluster("soak") as cluster:
        seeds = range(options.seed, options.seed + options.runs)
        report = soak(cluster, seeds, workers=options.workers)
    print(report.text())
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
