"""`config delete-cluster`, `config delete-context`, `config delete-user`.

Source: kubernetes/kubectl pkg/cmd/config/delete_cluster.go, delete_context.go,
delete_user.go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Flag, Options

_NOUNS = {
    "config delete-cluster": "cluster",
    "config delete-context": "context",
    "config delete-user": "user",
}
SUMMARY = {command: f"Delete a {noun}." for command, noun in _NOUNS.items()}
USE = {command: f"{command} NAME" for command in _NOUNS}
FLAGS: tuple[Flag, ...] = ()


def run(options: Options, factory: Factory) -> int:
    """Take the stanza out of its file."""
    from kubectl_cli.client.kubeconfig_files import default_file, drop_stanza

    noun = _NOUNS[factory.command]
    if len(options.args) != 1:
        return _wrong_words(factory.command)
    name, config, path = options.args[0], factory.kubeconfig, default_file(options)
    if name not in getattr(config, f"{noun}s"):
        raise CommandError(f"cannot delete {noun} {name}, not in {path}")
    if noun == "context" and name == config.current_context:
        print(
            "warning: this removed your active context, use"
            ' "kubectl config use-context" to select a different one',
            file=sys.stderr,
        )
    drop_stanza(options, config, f"{noun}s", name)
    print(f"deleted {noun} {name} from {path}")
    return 0


def _wrong_words(command: str) -> int:
    """Show the help, which kubectl takes for a success; only users are different."""
    if command == "config delete-user":
        raise UsageError("user to delete is required", f"kubectl {command}")
    from kubectl_cli.help import show_command

    return show_command(command, sys.modules[__name__])
