"""`api-versions`: the group versions of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.errors import UsageError

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Flag, Options

SUMMARY = "Print the API versions that the server supports."
USE = "api-versions"
FLAGS: tuple[Flag, ...] = ()


def run(options: Options, factory: Factory) -> int:
    """Ask the server, and print them sorted."""
    if options.args:
        words = " ".join(options.args)
        raise UsageError(f"unexpected arguments: [{words}]", "kubectl api-versions")
    from kubectl_cli.client.discovery import fetch

    for version in sorted(fetch(factory.client).versions):
        print(version)
    return 0
