"""The pytest plugin: fixtures for tests that need a cluster. docs/testing.md tells of it.

Nothing of mini-kube is loaded before a test asks for the first fixture, so that test
suites that have it installed and do not use it pay for the import of this file only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faults.client import FaultClient
    from mini_kube.cluster import Cluster
    from mini_kube.pods import Pod
    from mini_kube.pytest_session import ClusterSession
    from mini_kube.watching import Trace

_MARK = "mini_kube_pod(image='', command=(), script=None, files=None, ...): what the fixture `pod` runs, in the words of mini_kube.Cluster.run_pod"
_SETTINGS = (
    ("mini_kube_nodes", "how many nodes the cluster has (default: 1)"),
    ("mini_kube_emulate_version", "the Kubernetes version that is shown, e.g. 1.30"),
    ("mini_kube_image_policy", "permissive or strict"),
    ("mini_kube_image_catalogue", "a YAML file with images, from the root folder"),
    ("mini_kube_kwok_config", "a YAML file with KWOK objects, from the root folder"),
    ("mini_kube_timeout", "seconds for starting, and for each wait (default: 60)"),
)
_SESSION: pytest.StashKey[ClusterSession] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The settings, and the flags that override them."""
    group = parser.getgroup("mini-kube", "clusters for tests (mini-kube)")
    group.addoption(
        "--mini-kube-artifacts",
        metavar="DIR",
        help="write the traces of failing tests to files in DIR",
    )
    group.addoption(
        "--mini-kube-emulate-version",
        metavar="1.NN",
        help="instead of the setting mini_kube_emulate_version",
    )
    group.addoption(
        "--mini-kube-nodes", metavar="N", help="instead of the setting mini_kube_nodes"
    )
    for name, text in _SETTINGS:
        parser.addini(name, text, default="")
    parser.addini(
        "mini_kube_trace",
        "write every frame down, for the fixture `trace` and failing tests",
        type="bool",
        default=True,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARK)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test begins: what went over the hops before is not its doing."""
    session = _session_of(item)
    if session is not None:
        session.begin_test()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A test that failed has its sessions in its report."""
    report: pytest.TestReport = yield
    session = _session_of(item)
    if session is not None and report.failed:
        folder = item.config.getoption("--mini-kube-artifacts")
        report.sections.extend(session.pictures(item.nodeid, folder))
    return report


def _session_of(item: pytest.Item) -> ClusterSession | None:
    if "mini_kube" not in getattr(item, "fixturenames", ()):
        return None
    return item.config.stash.get(_SESSION, None)


@pytest.fixture(scope="session")
def mini_kube(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """A cluster for the whole session: for each worker its own, with pytest-xdist."""
    from mini_kube.pytest_session import ClusterSession, settings_of

    with ClusterSession(settings_of(pytestconfig)) as session:
        pytestconfig.stash[_SESSION] = session
        yield session.cluster
        del pytestconfig.stash[_SESSION]


@pytest.fixture
def namespace(mini_kube: Cluster, pytestconfig: pytest.Config) -> Iterator[str]:
    """A namespace of this test's own, in which `mini_kube` works meanwhile.

    It is deleted afterwards, with all that is in it, while other tests go on.
    """
    with pytestconfig.stash[_SESSION].namespace() as name:
        yield name


@pytest.fixture
def kubeconfig(
    mini_kube: Cluster,
    namespace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A kubeconfig whose context has the test's namespace; KUBECONFIG names it."""
    from mini_kube.kubeconfig import in_namespace

    path = tmp_path / "kubeconfig"
    path.write_text(in_namespace(mini_kube.kubeconfig.read_text(), namespace))
    path.chmod(0o600)
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


@pytest.fixture
def pod(mini_kube: Cluster, namespace: str, request: pytest.FixtureRequest) -> Pod:
    """A pod that is Ready; the marker `mini_kube_pod` says what runs in it."""
    mark = request.node.get_closest_marker("mini_kube_pod")
    if mark is not None and mark.args:
        pytest.fail(f"mini_kube_pod: say what {mark.args[0]!r} is, as image=...", False)
    arguments = dict(mark.kwargs) if mark else {}
    name = arguments.pop("name", "pod")
    mini_kube.run_pod(name, **arguments)
    return mini_kube.pod(name)


@pytest.fixture
def trace(mini_kube: Cluster) -> Trace:
    """What goes over the hops from here on."""
    from mini_kube.watching import Trace

    found = Trace(mini_kube.view)
    found.clear()
    return found


@pytest.fixture
def faults(mini_kube: Cluster) -> Iterator[FaultClient]:
    """Making hops fail; all is well again after the test."""
    client = mini_kube.faults
    yield client
    client.reset()
