"""What kubectl says without having asked a server, mini-kubectl says too."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from kubectl_cli.main import run

_VECTORS = Path(__file__).parents[2] / "vectors" / "kubectl" / "1.36.4" / "offline.json"
_RECORDED: dict[str, Any] = json.loads(_VECTORS.read_text())
_KUBECONFIG = {
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
    "contexts": [{"name": "c", "context": {"cluster": "c", "namespace": "ours"}}],
    "current-context": "c",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("offline")
    for name, text in _RECORDED["files"].items():
        (folder / name).write_text(text)
    (folder / "config").write_text(json.dumps(_KUBECONFIG))
    return folder


@pytest.mark.parametrize(
    "recorded", _RECORDED["commands"], ids=[c["line"] for c in _RECORDED["commands"]]
)
def test_a_command_that_asks_no_server_says_what_kubectl_says(
    recorded: dict[str, Any],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("KUBECONFIG", str(folder / "config"))

    code = run(shlex.split(recorded["line"]))

    out, err = capsys.readouterr()
    told = {"line": recorded["line"], "code": code, "stdout": out, "stderr": err}
    assert told == recorded
