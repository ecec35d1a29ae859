"""Scripts as tests write them become what a pod can carry."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mini_kube.errors import ClusterError
from mini_kube.scripting import make_script


def answer(argv):
    """What a script calls."""


def test_a_function_is_found_again_by_its_file_and_name():
    script = make_script({"exec": [{"argv": "x", "call": answer}]}, None)

    assert script["exec"][0]["call"] == f"{Path(__file__).absolute()}:answer"
    assert str(Path(sys.path[-1]).absolute()) in script["python_path"]


def test_bytes_go_as_text_where_they_are_one():
    script = make_script(
        {"main": {"stdout": b"text"}, "files": {"/a": "kept"}}, {"/b": b"\xff"}
    )

    assert script["main"] == {"stdout": "text"}
    assert script["files"] == {"/a": "kept", "/b": {"base64": "/w=="}}


def test_paths_hold_in_any_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    script = make_script({"root": "files", "python_path": ["."]}, None)

    assert script == {
        "root": str(tmp_path / "files"),
        "python_path": [str(tmp_path)],
    }


def test_ports_may_be_numbers():
    assert json.loads(json.dumps(make_script({"ports": {80: {}}}, None))) == {
        "ports": {"80": {}}
    }


@pytest.mark.parametrize("function", [lambda argv: 0, print, "".join])
def test_what_has_no_name_in_a_file_cannot_be_called(function):
    with pytest.raises(ClusterError, match="only functions of a module"):
        make_script({"exec": [{"call": function}]}, None)
