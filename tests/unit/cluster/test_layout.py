"""Where a cluster's files and sockets go."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.layout import Layout, LayoutError, account_home, locate

HOME = Path("/home/somebody")


@pytest.fixture
def runtime_dir():
    """A folder as short as a login session's."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_state_follows_the_xdg_folder(tmp_path):
    layout = locate("a", None, {"XDG_STATE_HOME": str(tmp_path)}, HOME)

    assert layout.state == tmp_path / "mini-kube" / "a"


@pytest.mark.parametrize("value", ["", "relative/path"])
def test_without_a_valid_xdg_folder_state_is_below_the_home(value):
    layout = locate("a", None, {"XDG_STATE_HOME": value}, HOME)

    assert layout.state == HOME / ".local/state/mini-kube/a"


def test_sockets_lie_in_the_runtime_folder(runtime_dir):
    layout = locate("a", None, {"XDG_RUNTIME_DIR": str(runtime_dir)}, account_home())

    assert layout.sockets == runtime_dir / "mini-kube" / "a"


def test_without_a_runtime_folder_sockets_lie_in_a_folder_of_the_user():
    layout = locate("a", None, {"XDG_RUNTIME_DIR": "/no/such/folder"}, account_home())

    assert layout.sockets == Path(f"/tmp/mini-kube-{os.getuid()}/a")


@pytest.mark.parametrize(
    ("environ", "home"),
    [({}, HOME), ({"XDG_STATE_HOME": "/elsewhere"}, account_home())],
    ids=["HOME", "XDG_STATE_HOME"],
)
def test_another_environment_does_not_share_sockets(runtime_dir, environ, home):
    runtime = {"XDG_RUNTIME_DIR": str(runtime_dir)}

    usual = locate("a", None, runtime, account_home())
    other = locate("a", None, {**runtime, **environ}, home)

    assert usual.sockets != other.sockets


def test_two_state_folders_never_share_sockets(runtime_dir):
    environ = {"XDG_RUNTIME_DIR": str(runtime_dir)}

    one = locate("a", Path("/one"), environ, HOME)
    two = locate("a", Path("/two"), environ, HOME)

    assert one.sockets != two.sockets


def test_a_runtime_folder_too_long_for_a_socket_is_refused(tmp_path):
    long = tmp_path / ("x" * 80)
    long.mkdir()

    with pytest.raises(LayoutError, match="at most 107 bytes"):
        locate("a", None, {"XDG_RUNTIME_DIR": str(long)}, HOME)


@pytest.fixture
def layout(tmp_path) -> Layout:
    return Layout(tmp_path / "state", tmp_path / "sockets" / "a")


def test_folders_are_made_for_their_owner_only(layout):
    layout.make()

    for folder in (layout.state, layout.records, layout.logs, layout.sockets):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_an_open_folder_for_sockets_is_refused(layout):
    layout.sockets.mkdir(parents=True)
    layout.sockets.parent.chmod(0o755)

    with pytest.raises(LayoutError, match="chmod 700"):
        layout.make()


def test_a_link_in_place_of_the_sockets_folder_is_refused(layout, tmp_path):
    layout.sockets.parent.mkdir(mode=0o700)
    layout.sockets.symlink_to(tmp_path)

    with pytest.raises(LayoutError, match="not a folder of this user"):
        layout.make()


def test_each_node_has_folders_and_sockets_of_its_own(layout):
    one, two = layout.node("one"), layout.node("two")

    assert one.cri_socket != two.cri_socket
    assert one.cri_state != two.cri_state
    assert one.kubelet_root != two.kubelet_root
    assert replace(one, name="two").cri_root == one.cri_root
