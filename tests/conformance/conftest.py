"""The peers: real kubectls by version. A table of what each could do ends the run."""

from __future__ import annotations

import pytest

from tests.conformance.scoreboard import Scoreboard
from tests.support.background import Background
from tests.support.kubectls import VERSIONS, kubectls, without_unready

_BOARD = pytest.StashKey[Scoreboard]()


def pytest_configure(config):
    config.stash[_BOARD] = Scoreboard()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    item.config.stash[_BOARD].add(item, report)
    return report


def pytest_terminal_summary(terminalreporter, config):
    for title, lines in config.stash[_BOARD].tables():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)


class Kubectl:
    """A kubectl of some version, run against the cluster."""

    def __init__(self, cluster, version, path):
        self.version = version
        self.path = str(path)
        self._cluster = cluster

    def __call__(self, *arguments, **options):
        """Run it to its end."""
        done = self._cluster.run(self.path, *arguments, **options)
        if isinstance(done.stderr, str):
            done.stderr = without_unready(done.stderr)
        return done

    def background(self, *arguments):
        """Run it until the `with` ends."""
        return Background([self.path, *arguments], env=self._cluster.env)

    def own(self, name):
        """A name for an object that no other version uses."""
        return f"{name}-{self.version.replace('.', '-')}"


@pytest.fixture(scope="session", params=[*VERSIONS, "mini"])
def kubectl(request, cluster):
    """A kubectl; the test is run once for each version, and once for ours."""
    if request.param == "mini":
        return Kubectl(cluster, "mini", "mini-kubectl")
    found = kubectls(request.param)
    if not found:
        pytest.skip(f"kubectl {request.param}: not in the cloud SDK, on PyPI or on npm")
    return Kubectl(cluster, request.param, found[0].path)
