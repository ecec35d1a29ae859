"""Random operations under random faults; `make soak` does ten thousand."""

from __future__ import annotations

import os

import pytest

from tests.soak.runner import soak
from tests.support.cluster import running_cluster

RUNS = int(os.environ.get("MINI_KUBE_SOAK_RUNS", "1000"))
#: Other runs each time, and the same ones for the same number.
FIRST = int(os.environ.get("MINI_KUBE_SOAK_SEED", "1"))


@pytest.mark.slow
@pytest.mark.e2e
def test_what_must_hold_holds_under_random_faults():
    with running_cluster("soak") as cluster:
        report = soak(cluster, range(FIRST, FIRST + RUNS), workers=12)
    assert report.runs == RUNS
    assert not report.findings, report.text()
