"""`config get-contexts`.

Source: kubernetes/kubectl pkg/cmd/config/get_contexts.go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_cli.changes import raise_all
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "List the contexts of the kubeconfig."
USE = "config get-contexts [(-o|--output=)name)]"
FLAGS = (
    Flag("no-headers", "bool", help="No line of headers."),
    Flag("output", short="o", help="'name' for the names only."),
)


def run(options: Options, factory: Factory) -> int:
    """Print a table, the current context marked."""
    from kubectl_cli.printers.tabwriter import TabWriter

    output = options.text("output")
    if output not in ("", "name"):
        raise CommandError(
            f"--output {output} is not available in kubectl config get-contexts;"
            " resetting to default output format"
        )
    config = factory.kubeconfig
    errors: list[Exception] = []
    names = []
    for name in options.args or config.contexts:
        if name in config.contexts:
            names.append(name)
        else:
            errors.append(CommandError(f"context {name} not found"))
    writer = TabWriter()
    if not output and not options.flag("no-headers"):
        writer.line("CURRENT\tNAME\tCLUSTER\tAUTHINFO\tNAMESPACE")
    for name in sorted(names):
        if output:
            writer.line(name)
            continue
        stanza = config.contexts[name]
        current = "*" if name == config.current_context else ""
        parts = (stanza.get(key) or "" for key in ("cluster", "user", "namespace"))
        writer.line("\t".join([current, name, *parts]))
    sys.stdout.write(writer.flush())
    raise_all(errors)
    return 0
