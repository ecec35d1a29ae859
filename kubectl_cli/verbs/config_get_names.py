"""`config get-clusters`, `config get-users`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Flag, Options

SUMMARY = {
    "config get-clusters": "List the clusters of the kubeconfig.",
    "config get-users": "List the users of the kubeconfig.",
}
USE = {
    "config get-clusters": "config get-clusters",
    "config get-users": "config get-users",
}
FLAGS: tuple[Flag, ...] = ()


def run(options: Options, factory: Factory) -> int:
    """Print the names, sorted."""
    config = factory.kubeconfig
    wants_users = factory.command == "config get-users"
    print("NAME")
    for name in sorted(config.users if wants_users else config.clusters):
        print(name)
    return 0
