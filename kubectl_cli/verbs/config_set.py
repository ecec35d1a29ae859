"""`config set`, `config unset`: one value of a kubeconfig by its dotted name.

Source: kubernetes/kubectl pkg/cmd/config/set.go, unset.go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from apimachinery.kubeconfig import Kubeconfig
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.kubeconfig_properties import Property
    from kubectl_cli.flags import Options

SUMMARY = {
    "config set": "Set one value of a kubeconfig file.",
    "config unset": "Take one value out of a kubeconfig file.",
}
USE = {
    "config set": "config set PROPERTY_NAME PROPERTY_VALUE",
    "config unset": "config unset PROPERTY_NAME",
}
EXAMPLES = (
    "kubectl config set clusters.my-cluster.server https://1.2.3.4\n"
    "kubectl config unset contexts.foo.namespace"
)
FLAGS = (Flag("set-raw-bytes", "bool", help="Of set: bytes are not given as base64."),)


def run(options: Options, factory: Factory) -> int:
    """Find what the name means and write the file that holds it."""
    from kubectl_cli.client.kubeconfig_properties import find_property
    from kubectl_cli.help import unexpected_words

    command = factory.command
    sets = command == "config set"
    if len(options.args) != (2 if sets else 1):
        raise unexpected_words(command, sys.modules[__name__], options.args)
    name = options.args[0]
    if sets and not options.args[1]:
        raise CommandError("you cannot use set to unset a property")
    if not name:
        raise CommandError("you must specify a property")
    config = factory.kubeconfig
    where = find_property(name)
    if sets:
        _set(options, config, where, options.args[1])
    else:
        _unset(options, config, where)
    print(f'Property "{name}" {"set" if sets else "unset"}.')
    return 0


def _set(options: Options, config: Kubeconfig, where: Property, text: str) -> None:
    from kubectl_cli.client.kubeconfig_files import put_current_context, put_stanza

    if where.is_at_top:
        # kubectl writes its own kind and apiVersion, whatever they were set to
        if where.section == "current-context":
            put_current_context(options, config, text)
        return
    stanzas = getattr(config, where.section)
    if not where.key:
        raise CommandError(f"can't set a map to a value: map[{' '.join(stanzas)}]")
    value = where.value(text, raw=options.flag("set-raw-bytes"))
    stanza = {**stanzas.get(where.name, {}), where.key: value}
    put_stanza(options, config, where.section, where.name, stanza)


def _unset(options: Options, config: Kubeconfig, where: Property) -> None:
    from kubectl_cli.client.kubeconfig_files import (
        drop_stanza,
        put_current_context,
        put_stanza,
    )

    if where.is_at_top:
        if where.section == "current-context":
            put_current_context(options, config, "")
        return
    stanzas = getattr(config, where.section)
    if not where.key:
        for name in [where.name] if where.name else list(stanzas):
            if name in stanzas:
                drop_stanza(options, config, where.section, name)
        return
    if where.name not in stanzas:
        raise CommandError(f"current map key `{where.name}` is invalid")
    stanza = {k: v for k, v in stanzas[where.name].items() if k != where.key}
    put_stanza(options, config, where.section, where.name, stanza)
