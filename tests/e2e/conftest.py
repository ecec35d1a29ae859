"""One cluster for all end-to-end tests; each uses pods of its own names."""

from __future__ import annotations

import itertools

import pytest

from tests.support.cluster import running_cluster
from tests.support.kubectls import newest_kubectl

_numbers = itertools.count(1)


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.e2e)


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
def fresh_name(request):
    """A name for an object of this test alone."""
    return f"t{next(_numbers)}"


@pytest.fixture(scope="session")
def kubectl():
    """The newest real kubectl."""
    found = newest_kubectl()
    if found is None:
        pytest.skip("no real kubectl can be had on this machine")
    return found.path
