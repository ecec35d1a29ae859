"""The requests of `mini-kube serve`: one table, in the server and in the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mini_kube.server import ClusterServer
from mini_kube.server_api import ROUTES, describe

PAGE = (Path(__file__).parents[3] / "docs" / "testing.md").read_text()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.handler)
def test_each_request_is_served_and_documented(route):
    assert hasattr(ClusterServer, f"_{route.handler}")
    rest = (
        route.path.removeprefix("/v1/clusters/{id}").replace("{", "").replace("}", "")
    )
    assert (rest.upper() if "NAME" in rest.upper() else rest).split("/")[-1][:8] in PAGE
    for field in (*route.body, *route.query):
        assert field in PAGE


def test_the_description_names_each_parameter_of_a_path():
    for path, operations in describe()["paths"].items():
        for operation in operations.values():
            named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert named == {part[1:-1] for part in path.split("/") if part[:1] == "{"}


def test_every_setting_of_the_plugin_is_documented():
    from mini_kube import pytest_plugin

    for name, _ in pytest_plugin._SETTINGS:
        assert f"`{name}`" in PAGE
    for flag in ("artifacts", "emulate-version", "nodes"):
        assert f"--mini-kube-{flag}" in PAGE
