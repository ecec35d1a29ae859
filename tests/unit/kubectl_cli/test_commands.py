"""Finding commands, and what is said of those that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_cli.commands import COMMANDS
from kubectl_cli.global_flags import GLOBAL_FLAGS
from kubectl_cli.help import command_help
from kubectl_cli.main import find, run

if TYPE_CHECKING:
    from kubectl_cli.flags import Flag


@pytest.mark.parametrize(
    ("argv", "path", "rest"),
    [
        (["get", "pods"], "get", ["pods"]),
        (["-n", "x", "get", "pods"], "get", ["-n", "x", "pods"]),
        (["--namespace=x", "get"], "get", ["--namespace=x"]),
        (["config", "view", "--raw"], "config view", ["--raw"]),
        (["config", "use", "x"], "config use-context", ["x"]),
        (["create", "cm", "x"], "create configmap", ["x"]),
        (["create", "secret", "generic", "s"], "create secret generic", ["s"]),
        (["create", "-f", "cm"], "create", ["-f", "cm"]),
        (["exec", "get", "--", "ls"], "exec", ["get", "--", "ls"]),
        (["nosuch"], "", ["nosuch"]),
        ([], "", []),
    ],
)
def test_commands_are_found_among_flags(
    argv: list[str], path: str, rest: list[str]
) -> None:
    assert find(argv) == (path, rest)


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (
            ["gte", "pods"],
            'error: unknown command "gte" for "kubectl"\n\nDid you mean this?\n\tget\n',
        ),
        (
            ["config", "foo"],
            "error: unknown command \"foo\"\nSee 'kubectl config -h' for help and"
            " examples\n",
        ),
        (
            ["exec", "--foo"],
            "error: unknown flag: --foo\nSee 'kubectl exec --help' for usage.\n",
        ),
        (
            ["-n"],
            "error: flag needs an argument: 'n' in -n\nSee 'kubectl --help' for usage.\n",
        ),
        (["run", "x"], 'error: required flag(s) "image" not set\n'),
        (
            ["exec", "p"],
            "error: you must specify at least one command for the container\n",
        ),
        (["exec"], "error: pod, type/name or --filename must be specified\n"),
        (["version", "-o", "foo"], "error: --output must be 'yaml' or 'json'\n"),
        (["wait"], "error: unrecognized condition: []\n"),
        (["create"], "error: must specify one of -f and -k\n"),
    ],
)
def test_wrong_command_lines_are_told_as_kubectl_does(
    argv: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(argv)

    assert (code, capsys.readouterr().err) == (1, text)


@pytest.mark.parametrize(
    ("group", "code", "stream"),
    [("config", 1, "err"), ("rollout", 1, "out"), ("certificate", 0, "out")],
)
def test_a_group_alone_shows_its_help(
    group: str, code: int, stream: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([group]) == code

    assert "Available Commands:" in getattr(capsys.readouterr(), stream)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_help_that_names_its_flags(path: str) -> None:
    module = __import__(f"kubectl_cli.verbs.{COMMANDS[path]}", fromlist=["FLAGS"])
    if not isinstance(module.SUMMARY, str):
        module.SUMMARY.get(path)
        return

    text = command_help(path, module)

    flags: tuple[Flag, ...] = module.FLAGS
    assert not [flag.name for flag in flags if f"--{flag.name}=" not in text]
    assert "Usage:\n  kubectl " in text


@pytest.mark.parametrize("path", COMMANDS)
def test_flags_have_one_meaning(path: str) -> None:
    module = __import__(f"kubectl_cli.verbs.{COMMANDS[path]}", fromlist=["FLAGS"])
    names = [flag.name for flag in module.FLAGS]
    shorts = [f.short for f in (*module.FLAGS, *GLOBAL_FLAGS) if f.short]

    assert len(names) == len(set(names))
    assert len(shorts) == len(set(shorts))


def test_every_flag_says_what_it_is_for() -> None:
    silent = [
        f"{path} --{flag.name}"
        for path in COMMANDS
        for flag in __import__(
            f"kubectl_cli.verbs.{COMMANDS[path]}", fromlist=["FLAGS"]
        ).FLAGS
        if not flag.help
    ]

    assert not silent
