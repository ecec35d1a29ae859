"""What a command loads: each import is paid at each start."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kubectl_cli.commands import COMMANDS

HEAVY = ("asyncio", "aiohttp", "grpc", "google.protobuf", "cryptography", "websockets")
SESSION = (
    "kubectl_cli.selecting.pods, kubectl_cli.selecting.containers, kubectl_cli.streams.opening,"
    " kubectl_cli.client.client_config, kubectl_cli.client.rest, kubectl_cli.client.credentials"
)


def loaded_by(statement: str) -> set[str]:
    """The modules there are after a statement, in a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.fixture(scope="module")
def bare() -> set[str]:
    return loaded_by("pass")


def test_no_command_loads_a_network_framework(bare: set[str]) -> None:
    modules = ", ".join(f"kubectl_cli.verbs.{name}" for name in set(COMMANDS.values()))

    loaded = loaded_by(
        f"import {modules}, {SESSION}, kubectl_cli.streams.tracing, kubectl_cli.logs.reader,"
        " kubectl_cli.getting.command, kubectl_cli.applying.applier, kubectl_cli.running,"
        " kubectl_cli.describe.command, kubectl_cli.waiting.command, kubectl_cli.deletion,"
        " kubectl_cli.debugging.debugger, kubectl_cli.debugging.pods, kubectl_cli.explanation"
    )

    assert not [name for name in HEAVY if name in loaded - bare]


def test_the_version_loads_next_to_nothing(bare: set[str]) -> None:
    statement = (
        "from kubectl_cli.main import run\nimport contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()): run(['version', '--client'])"
    )

    loaded = loaded_by(statement) - bare - loaded_by("import contextlib, io")

    ours = {name for name in loaded if name.startswith("kubectl_cli")}
    assert len(ours) <= 12
    assert not (loaded - ours) & {"re", "json", "socket", "ssl", "typing", "enum"}


def test_a_session_loads_no_dataclasses_nor_typing(bare: set[str]) -> None:
    loaded = loaded_by(f"import kubectl_cli.main, kubectl_cli.verbs.exec, {SESSION}")

    assert not {"dataclasses", "inspect", "typing", "urllib.parse", "yaml"} & (
        loaded - bare
    )


def test_a_session_over_a_websocket_loads_no_spdy(bare: set[str]) -> None:
    loaded = loaded_by(
        f"import kubectl_cli.main, kubectl_cli.verbs.exec, kubectl_cli.streams.session, {SESSION}"
    )

    assert not [name for name in loaded - bare if "spdy" in name or name == "zlib"]
