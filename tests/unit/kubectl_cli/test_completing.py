"""What shells are told may follow, where no server is asked."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from kubectl_cli.commands import COMMANDS
from kubectl_cli.completing.command_line import complete
from kubectl_cli.completing.found import Directive
from kubectl_cli.completing.scripts import SCRIPTS
from kubectl_cli.completing.values import _COMPLETERS
from kubectl_cli.main import run

if TYPE_CHECKING:
    from pathlib import Path

_NO_FILES = Directive.NO_FILE_COMP


def completed(*words: str) -> list[str]:
    """The candidates without what they mean."""
    return [each.partition("\t")[0] for each in complete([*words]).words]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["unc"], ["uncordon"]),
        (["rollout", "re"], ["restart", "resume"]),
        (["create", "secret", "g"], ["generic"]),
        (["-n", "x", "unc"], ["uncordon"]),
        (["help", "unc"], ["uncordon"]),
        (["get", "--outp"], ["--output", "--output-watch-events"]),
        (["get", "--watch", "--watch"], ["--watch-only"]),
        (["get", "--as-group=a", "--as-group"], ["--as-group"]),
        (["exec", "web", "--", "--st"], []),
        (["exec", "web", "ls", "--st"], ["--stdin"]),
        (["run", "x", ""], ["--image"]),
        (["run", "x", "--im"], ["--image"]),
        (["run", "x", "--image=a", "--la"], ["--labels"]),
        (["get", "-o", "cust"], ["custom-columns", "custom-columns-file"]),
        (["get", "--output=cust"], ["custom-columns", "custom-columns-file"]),
        (["get", "-o=wi"], ["wide"]),
        (["scale", "dep"], ["deployment"]),
        (["rollout", "status", "deployment/a", ""], []),
        (["set", "image", "daem"], ["daemonsets"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["get", "--help", ""], []),
        (["no-such", ""], []),
        (["get", "--no-such", "x"], []),
    ],
    ids=" ".join,
)
def test_command_lines_are_completed(words: list[str], found: list[str]) -> None:
    assert completed(*words) == found


@pytest.mark.parametrize(
    ("words", "directive"),
    [
        (["rollout", ""], _NO_FILES),
        (["version", ""], Directive.DEFAULT),
        (["get", "-f", ""], Directive.FILTER_FILE_EXT),
        (["get", "--"], _NO_FILES),
        (["rollout", "restart", "deployment/a", ""], _NO_FILES | Directive.NO_SPACE),
        (["get", "--no-such", "x"], Directive.DEFAULT),
    ],
    ids=str,
)
def test_shells_are_told_how_to_go_on(words: list[str], directive: Directive) -> None:
    assert complete(words).directive == directive


def test_the_kubeconfig_says_which_contexts_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text('{"contexts": [{"name": "near"}, {"name": "far"}]}')
    monkeypatch.setenv("KUBECONFIG", str(config))

    assert completed("--context", "") == ["far", "near"]
    assert completed("config", "use-context", "n") == ["near"]
    assert completed("config", "use-context", "near", "") == []


def test_a_request_prints_words_and_a_directive(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["__completeNoDesc", "rollout", "re"])
    run(["__complete", "unc"])

    printed = capsys.readouterr()
    summary = "Mark a node as schedulable."
    assert printed.out == f"restart\nresume\n:4\nuncordon\t{summary}\n:4\n"
    told = "Completion ended with directive: ShellCompDirectiveNoFileComp\n"
    assert printed.err == told * 2


def test_a_server_that_is_not_there_gives_no_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    run(["__complete", "-s", "http://127.0.0.1:1", "get", "pods", ""])

    assert capsys.readouterr().out == ":4\n"


def test_only_commands_that_exist_have_completions() -> None:
    assert set(_COMPLETERS) <= set(COMMANDS)


def test_the_bash_script_asks_and_fills_in() -> None:
    line = "mini-kubectl rollout re"
    asked = "echo restart; echo resume; echo :0"
    done = subprocess.run(
        [
            "bash",
            "--norc",
            "-c",
            f"{SCRIPTS['bash']}\nmini-kubectl() {{ {asked}; }}\n"
            f"COMP_LINE='{line}' COMP_POINT={len(line)}\n"
            '_mini_kubectl_complete; echo "${COMPREPLY[@]}"',
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    assert (done.stdout, done.stderr) == ("restart resume\n", "")
