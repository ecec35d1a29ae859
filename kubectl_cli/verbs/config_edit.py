"""`config use-context`, `set-context`, `delete-context`, `rename-context`.

A change goes to the file that holds the stanza, a new stanza to the first file that
exists, else to the last one.

Source: kubernetes/kubectl pkg/cmd/config, kubernetes/client-go
tools/clientcmd/config.go (ModifyConfig).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.kubeconfig import Kubeconfig
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = {
    "config use-context": "Set the current context.",
    "config set-context": "Make or change a context.",
    "config delete-context": "Delete a context.",
    "config rename-context": "Rename a context.",
}
USE = {
    "config use-context": "config use-context CONTEXT_NAME",
    "config set-context": (
        "config set-context [NAME | --current] [--cluster=cluster_nickname]"
        " [--user=user_nickname] [--namespace=namespace]"
    ),
    "config delete-context": "config delete-context NAME",
    "config rename-context": "config rename-context CONTEXT_NAME NEW_NAME",
}
FLAGS = (Flag("current", "bool", help="Change the current context."),)


def run(options: Options, factory: Factory) -> int:
    """Carry out the command that was typed."""
    _ACTIONS[factory.command](options, factory)
    return 0


def _wrong_words(options: Options, command: str) -> CommandError:
    from kubectl_cli.help import command_help

    print(command_help(command, sys.modules[__name__]), file=sys.stderr)
    return CommandError(f"Unexpected args: [{' '.join(options.args)}]")


def _use(options: Options, factory: Factory) -> None:
    if len(options.args) != 1:
        raise _wrong_words(options, "config use-context")
    name = options.args[0]
    if name not in factory.kubeconfig.contexts:
        raise CommandError(f'no context exists with the name: "{name}"')

    def change(config: Kubeconfig) -> None:
        config.current_context = name

    _modify(_home_of_current(options, factory), change)
    print(f'Switched to context "{name}".')


def _set(options: Options, factory: Factory) -> None:
    words = options.args
    if len(words) > 1:
        raise _wrong_words(options, "config set-context")
    config = factory.kubeconfig
    if options.flag("current"):
        if words:
            raise CommandError("you cannot specify both a context name and --current")
        name = config.current_context
        if not name:
            raise CommandError("no current context is set")
    elif words and words[0]:
        name = words[0]
    else:
        raise CommandError("you must specify a non-empty context name or --current")
    fields = {
        key: options.text(key)
        for key in ("cluster", "user", "namespace")
        if options.changed(key)
    }

    def change(part: Kubeconfig) -> None:
        part.contexts[name] = {**config.contexts.get(name, {}), **fields}

    exists = name in config.contexts
    _modify(_home_of(options, config, name), change)
    print(f'Context "{name}" {"modified" if exists else "created"}.')


def _delete(options: Options, factory: Factory) -> None:
    if len(options.args) != 1:
        raise _wrong_words(options, "config delete-context")
    name, config = options.args[0], factory.kubeconfig
    if name not in config.contexts:
        path = _default_file(options)
        raise CommandError(f"cannot delete context {name}, not in {path}")
    if name == config.current_context:
        print(
            "warning: this removed your active context, use"
            ' "kubectl config use-context" to select a different one',
            file=sys.stderr,
        )
    path = _home_of(options, config, name)
    _modify(path, lambda part: part.contexts.pop(name))
    print(f"deleted context {name} from {_default_file(options)}")


def _rename(options: Options, factory: Factory) -> None:
    if len(options.args) != 2:
        raise _wrong_words(options, "config rename-context")
    old, new = options.args
    config = factory.kubeconfig
    if old not in config.contexts:
        raise CommandError(
            f'cannot rename the context "{old}", it\'s not in {_default_file(options)}'
        )
    if new in config.contexts:
        raise CommandError(
            f'cannot rename the context "{old}", the context "{new}" already exists in'
            f" {_default_file(options)}"
        )

    def change(part: Kubeconfig) -> None:
        part.contexts[new] = part.contexts.pop(old)
        if part.current_context == old:
            part.current_context = new

    _modify(_home_of(options, config, old), change)
    print(f'Context "{old}" renamed to "{new}".')


def _default_file(options: Options) -> str:
    """The first file that exists, else the last one."""
    from kubectl_cli.client.client_config import config_paths

    paths = config_paths(options)
    return next((path for path in paths if os.path.exists(path)), paths[-1])


def _home_of(options: Options, config: Kubeconfig, name: str) -> str:
    return config.origin("contexts", name) or _default_file(options)


def _home_of_current(options: Options, factory: Factory) -> str:
    """The file whose current-context counts: the first that has one."""
    from apimachinery.kubeconfig import load
    from kubectl_cli.client.client_config import config_paths

    for path in config_paths(options):
        if load([path]).current_context:
            return path
    return _default_file(options)


def _modify(path: str, change: Callable[[Kubeconfig], object]) -> None:
    """Read the file, change it, write it; a lock file keeps others out."""
    from apimachinery.kubeconfig import load
    from kubectl_cli.client.kubeconfig_view import write_file

    os.makedirs(os.path.dirname(path) or ".", mode=0o750, exist_ok=True)
    lock = f"{path}.lock"
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL, 0))
    except FileExistsError:
        raise CommandError(f"open {lock}: file exists") from None
    try:
        config = load([path])
        change(config)
        write_file(path, config)
    finally:
        os.unlink(lock)


_ACTIONS: dict[str, Callable[[Options, Factory], None]] = {
    "config use-context": _use,
    "config set-context": _set,
    "config delete-context": _delete,
    "config rename-context": _rename,
}
