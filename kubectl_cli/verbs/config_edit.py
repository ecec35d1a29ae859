"""`config use-context`, `set-context`, `rename-context`.

Source: kubernetes/kubectl pkg/cmd/config.
"""

from __future__ import annotations

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
    "config rename-context": "Rename a context.",
}
USE = {
    "config use-context": "config use-context CONTEXT_NAME",
    "config set-context": (
        "config set-context [NAME | --current] [--cluster=cluster_nickname]"
        " [--user=user_nickname] [--namespace=namespace]"
    ),
    "config rename-context": "config rename-context CONTEXT_NAME NEW_NAME",
}
FLAGS = (Flag("current", "bool", help="Change the current context."),)


def run(options: Options, factory: Factory) -> int:
    """Carry out the command that was typed."""
    _ACTIONS[factory.command](options, factory)
    return 0


def _wrong_words(options: Options, command: str) -> CommandError:
    from kubectl_cli.help import unexpected_words

    return unexpected_words(command, sys.modules[__name__], options.args)


def _use(options: Options, factory: Factory) -> None:
    from kubectl_cli.client.kubeconfig_files import put_current_context

    if len(options.args) != 1:
        raise _wrong_words(options, "config use-context")
    name, config = options.args[0], factory.kubeconfig
    if name not in config.contexts:
        raise CommandError(f'no context exists with the name: "{name}"')
    put_current_context(options, config, name)
    print(f'Switched to context "{name}".')


def _set(options: Options, factory: Factory) -> None:
    from kubectl_cli.client.kubeconfig_files import put_stanza

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
    stanza = {**config.contexts.get(name, {}), **fields}
    put_stanza(options, config, "contexts", name, stanza)
    print(f'Context "{name}" {"modified" if name in config.contexts else "created"}.')


def _rename(options: Options, factory: Factory) -> None:
    from kubectl_cli.client.kubeconfig_files import default_file, home_of, modify

    if len(options.args) != 2:
        raise _wrong_words(options, "config rename-context")
    old, new = options.args
    config = factory.kubeconfig
    if old not in config.contexts:
        raise CommandError(
            f'cannot rename the context "{old}", it\'s not in {default_file(options)}'
        )
    if new in config.contexts:
        raise CommandError(
            f'cannot rename the context "{old}", the context "{new}" already exists in'
            f" {default_file(options)}"
        )

    def change(part: Kubeconfig) -> None:
        part.contexts[new] = part.contexts.pop(old)
        if part.current_context == old:
            part.current_context = new

    modify(home_of(options, config, "contexts", old), change)
    print(f'Context "{old}" renamed to "{new}".')


_ACTIONS: dict[str, Callable[[Options, Factory], None]] = {
    "config use-context": _use,
    "config set-context": _set,
    "config rename-context": _rename,
}
