"""`--explain`: what it loads, and which verbs have it."""

from __future__ import annotations

import importlib

import pytest

from kubectl_cli.commands import COMMANDS
from tests.unit.kubectl_cli.test_startup import HEAVY, SESSION, loaded_by


def test_it_loads_no_network_framework():
    loaded = loaded_by("import kubectl_cli.streams.explaining") - loaded_by("pass")

    assert not [name for name in HEAVY if name in loaded]


def test_without_it_nothing_of_traces_is_loaded():
    loaded = loaded_by(
        f"import kubectl_cli.main, kubectl_cli.verbs.exec, kubectl_cli.streams.session, {SESSION}"
    )

    assert not [name for name in loaded if name.partition(".")[0] == "traces"]
    assert "threading" not in loaded - loaded_by("pass")


@pytest.mark.parametrize(
    "verb", ["exec", "attach", "port-forward", "logs", "cp", "run"]
)
def test_the_verbs_that_open_streams_have_it(verb):
    module = importlib.import_module(f"kubectl_cli.verbs.{COMMANDS[verb]}")

    assert "explain" in [flag.name for flag in module.FLAGS]
