"""`options`: the flags of every command."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Flag, Options

SUMMARY = "Print the flags that all commands take."
USE = "options"
FLAGS: tuple[Flag, ...] = ()


def run(options: Options, factory: Factory) -> int:
    """Print the table."""
    from kubectl_cli.global_flags import GLOBAL_FLAGS
    from kubectl_cli.help import describe_flags

    print("The following options can be passed to any command:\n")
    print(describe_flags(GLOBAL_FLAGS))
    return 0
