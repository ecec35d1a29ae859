"""Real clients against a real cluster; one cluster for all of them."""

from __future__ import annotations

import pytest

from tests.support.cluster import running_cluster
from tests.support.kubectls import kubectls


@pytest.fixture(scope="session")
def cluster():
    """A running cluster of one node."""
    with running_cluster("conf") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def shell(cluster):
    """The name of a pod in which to run commands."""
    return cluster.pod("shell")


def pytest_generate_tests(metafunc):
    """A test that asks for `real_kubectl` runs once for each version; the id is `1.NN`."""
    if "real_kubectl" in metafunc.fixturenames:
        found = kubectls()
        metafunc.parametrize(
            "real_kubectl",
            found or [pytest.param(None, marks=pytest.mark.skip("no real kubectl"))],
            ids=[item.version for item in found] or ["none"],
        )
