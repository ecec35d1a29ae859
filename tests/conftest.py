"""One cluster for every test that wants one; each test uses objects of its own names."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, settings

from tests.support.cluster import running_cluster

# How long an example takes is the machine's affair.
settings.register_profile(
    "mini-kube", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("mini-kube")

_numbers = itertools.count(1)
_MARKS = {"tests/e2e/": pytest.mark.e2e, "tests/conformance/": pytest.mark.conformance}


def pytest_collection_modifyitems(items):
    for item in items:
        for folder, mark in _MARKS.items():
            if folder in item.path.as_posix():
                item.add_marker(mark)


@pytest.fixture(scope="session")
def cluster():
    """A running cluster of one node."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def shell(cluster):
    """The name of a pod in which to run commands."""
    return cluster.pod("shell")


@pytest.fixture
def fresh_name():
    """A name for an object of this test alone."""
    return f"t{next(_numbers)}"
