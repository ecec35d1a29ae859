"""What only end-to-end tests use."""

from __future__ import annotations

import pytest

from tests.support.kubectls import newest_kubectl


@pytest.fixture(scope="session")
def kubectl():
    """The newest real kubectl."""
    found = newest_kubectl()
    if found is None:
        pytest.skip("no real kubectl can be had on this machine")
    return found.path
