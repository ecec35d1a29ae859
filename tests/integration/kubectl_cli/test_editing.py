"""`edit` against a stub: one file for all objects, and nothing that was typed is lost."""

from __future__ import annotations

import copy
import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from stub_server import (  # type: ignore[import-not-found]
    Answer,
    Request,
    json_answer,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_DISCOVERY: dict[str, Any] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "groups": []},
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            {
                "name": "configmaps",
                "singularName": "configmap",
                "namespaced": True,
                "kind": "ConfigMap",
                "verbs": ["get", "list", "patch"],
                "shortNames": ["cm"],
            }
        ],
    },
}
_FOLDER = "/api/v1/namespaces/default/configmaps/"


def config_map(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": f"uid-{name}",
            "managedFields": [{"manager": "somebody"}],
        },
        "data": {"k": f"of {name}"},
    }


class Cluster:
    """Config maps a and b, and the patches that came for them."""

    def __init__(self) -> None:
        self.objects = {name: config_map(name) for name in ("a", "b")}
        self.patches: list[tuple[str, Any]] = []
        self.refusals: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> Answer:
        if request.path in _DISCOVERY:
            return json_answer(_DISCOVERY[request.path])
        name = request.path.removeprefix(_FOLDER)
        if request.method == "PATCH":
            self.patches.append((name, request.json()))
            if self.refusals:
                status = self.refusals.pop(0)
                return json_answer(status, status["code"])
            self.objects[name]["data"].update(request.json().get("data", {}))
        return json_answer(self.objects[name])


def refusal(reason: str, code: int, message: str, *causes: dict[str, str]) -> Any:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "code": code,
        "message": message,
        "details": {"causes": list(causes)},
    }


@pytest.fixture
def editing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    serve: Callable[..., Any],
    kubectl: Callable[..., Any],
) -> Callable[..., Any]:
    """Edit the cluster's objects; each round of the editor runs one line of sed or sh."""
    files = tmp_path / "files"
    files.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(files))

    def edit(cluster: Cluster, rounds: list[str], *argv: str) -> Any:
        for count, line in enumerate(rounds, 1):
            (tmp_path / f"round.{count}").write_text(line)
        script = tmp_path / "editor"
        folder = shlex.quote(str(tmp_path))
        script.write_text(
            f"#!/bin/sh\ncd {folder}; echo >> count; n=$(wc -l < count)\n"
            'cp "$1" shown.$n; . ./round.$n\n'
        )
        script.chmod(0o755)
        monkeypatch.setenv("KUBE_EDITOR", str(script))
        result = kubectl(serve(cluster), "edit", *argv)
        shown = sorted(tmp_path.glob("shown.*"))
        kept = sorted(files.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return result, [path.read_text() for path in shown], kept

    return edit


def test_several_objects_are_one_list_and_only_the_changed_one_is_sent(editing):
    cluster = Cluster()

    result, shown, kept = editing(cluster, ['sed -i "s/of b/new/" $1'], "cm", "a", "b")

    text = yaml.safe_load(shown[0])
    assert [each["metadata"]["name"] for each in text["items"]] == ["a", "b"]
    assert "managedFields" not in shown[0]
    assert (result.code, result.stdout) == (
        0,
        "configmap/a skipped\nconfigmap/b edited\n",
    )
    assert (cluster.patches, kept) == ([("b", {"data": {"k": "new"}})], [])


def test_a_text_that_is_no_object_comes_back_with_the_reason_and_is_kept(editing):
    result, shown, kept = editing(Cluster(), ["echo hello > $1", ":"], "cm", "a")

    assert shown[1].endswith(
        '# configmaps "a" was not valid:\n'
        '# * <nil>: Invalid value: "The edited file failed validation":'
        " invalid object to validate\n#\nhello\n"
    )
    assert kept[-1].read_text() == shown[1]
    assert (result.code, result.stderr) == (
        1,
        'error: configmaps "a" is invalid\n'
        f'A copy of your changes has been stored to "{kept[-1]}"\n'
        "error: Edit cancelled, no valid changes were saved.\n",
    )


def test_what_the_server_finds_invalid_can_be_mended_in_the_editor(editing):
    cluster = Cluster()
    cause = {"field": "data[k]", "message": "Invalid value: no"}
    cluster.refusals = [refusal("Invalid", 422, "no", cause)]
    rounds = ['sed -i "s/of a/no/" $1', 'sed -i "s/k: no/k: yes it is/" $1']

    result, shown, kept = editing(cluster, rounds, "cm", "a")

    assert "# * data[k]: Invalid value: no\n#\n" in shown[1]
    assert (result.code, result.stdout, kept) == (0, "configmap/a edited\n", [])
    assert cluster.objects["a"]["data"] == {"k": "yes it is"}


def test_comments_within_a_script_outlive_a_mistake(editing):
    cluster = Cluster()
    script = r'sed -i "s/k: of a/k: |\n    # why\n    do/" $1; echo "[" >> $1'

    result, _, _ = editing(cluster, [script, r'sed -i "/^\[/d" $1'], "cm", "a")

    assert (result.code, cluster.objects["a"]["data"]["k"]) == (0, "# why\ndo\n")


@pytest.mark.parametrize(
    ("reason", "code", "told"),
    [
        ("Conflict", 409, 'error: configmaps "a" could not be patched: it went\n'),
        ("NotFound", 404, 'error: configmaps "a" could not be found on the server\n'),
    ],
)
def test_a_change_that_came_too_late_is_kept(editing, reason, code, told):
    cluster = Cluster()
    cluster.refusals = [refusal(reason, code, "it went")]

    result, _, kept = editing(cluster, ['sed -i "s/of a/mine/" $1'], "cm", "a")

    assert result.code == 1
    assert result.stderr.startswith(told)
    assert str(kept[0]) in result.stderr
    assert "mine" in kept[0].read_text()


@pytest.mark.parametrize(
    ("round", "told"),
    [
        (
            "s/name: a$/name: z/",
            "At least one of apiVersion, kind and name was changed",
        ),
        ("s/uid-a/other/", "no original object found for &unstructured.Unstructured{"),
        (
            "s/space: default/space: x/",
            'the namespace from the provided object "x" does',
        ),
    ],
)
def test_an_object_that_became_another_one_is_kept_and_not_sent(editing, round, told):
    cluster = Cluster()

    result, _, kept = editing(cluster, [f'sed -i "{round}" $1'], "cm", "a", "b")

    assert (result.code, cluster.patches, len(kept)) == (1, [], 1)
    assert told in result.stderr
    assert str(kept[0]) in result.stderr


def test_json_has_its_own_suffix_and_no_comments(editing):
    cluster = Cluster()
    before = copy.deepcopy(cluster.objects["a"])
    del before["metadata"]["managedFields"]

    result, shown, kept = editing(cluster, ["false; exit 3"], "cm", "a", "-o", "json")

    assert json.loads(shown[0]) == before
    assert [path.suffix for path in kept] == [".json"]
    assert (result.code, "there was a problem with the editor" in result.stderr) == (
        1,
        True,
    )
