"""`config current-context`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Flag, Options

SUMMARY = "Show the name of the current context."
USE = "config current-context"
FLAGS: tuple[Flag, ...] = ()


def run(options: Options, factory: Factory) -> int:
    """Print it."""
    current = factory.kubeconfig.current_context
    if not current:
        raise CommandError("current-context is not set")
    print(current)
    return 0
