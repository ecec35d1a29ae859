"""What a cluster was asked to be survives from one `up` to the next."""

from __future__ import annotations

import pytest

from cluster.settings import (
    ClusterSettings,
    SettingsError,
    read_settings,
    write_settings,
)

SETTINGS = ClusterSettings(
    name="default",
    sockets="/run/x",
    nodes=3,
    ports={"apiserver": 6443},
    fixed_ports=("apiserver",),
    trace_dir="/tmp/t",
)


def test_settings_are_read_as_they_were_written(tmp_path):
    write_settings(tmp_path / "cluster.json", SETTINGS)

    assert read_settings(tmp_path / "cluster.json") == SETTINGS


def test_without_a_file_there_are_no_settings(tmp_path):
    assert read_settings(tmp_path / "cluster.json") is None


def test_keys_of_a_later_version_are_ignored(tmp_path):
    path = tmp_path / "cluster.json"
    path.write_text('{"name": "a", "sockets": "s", "tomorrow": 1}')

    assert read_settings(path) == ClusterSettings(name="a", sockets="s")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "a"}'])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, text):
    path = tmp_path / "cluster.json"
    path.write_text(text)

    with pytest.raises(SettingsError, match=r"cluster\.json"):
        read_settings(path)


def test_nodes_are_called_like_the_cluster():
    assert SETTINGS.node_names == ("mini-kube", "mini-kube-2", "mini-kube-3")
    other = ClusterSettings(name="b", sockets="")
    assert other.node_names == ("mini-kube-b",)


@pytest.mark.parametrize(
    ("bound", "reached"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - nothing is bound
        ("::", "::1"),
    ],
)
def test_clients_reach_a_cluster_bound_to_every_address_by_loopback(bound, reached):
    settings = ClusterSettings(name="a", sockets="", bind_address=bound)

    assert settings.client_host == reached
