"""`config view`: the kubeconfig, merged, without its secrets.

Source: kubernetes/kubectl pkg/cmd/config/view.go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_cli.errors import UsageError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS, make_printer

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Show the merged kubeconfig, or one kubeconfig file."
USE = "config view [flags]"
EXAMPLES = "kubectl config view\nkubectl config view --minify --raw"
FLAGS = (
    *(flag for flag in PRINT_FLAGS if flag.name != "output"),
    Flag("output", default="yaml", short="o", help="Output format."),
    Flag("flatten", "bool", help="Put the content of files into the output."),
    Flag("merge", "bool", True, help="Merge all the files there are."),
    Flag("minify", "bool", help="Only what the current context needs."),
    Flag("raw", "bool", help="Show secrets and certificates too."),
)


def run(options: Options, factory: Factory) -> int:
    """Print it."""
    from kubectl_cli.client.kubeconfig_view import as_document, flatten, hide, minify

    if options.args:
        words = " ".join(options.args)
        raise UsageError(f"unexpected arguments: [{words}]", "kubectl config view")
    printer = make_printer(options, typed=True)
    config = factory.kubeconfig
    if options.flag("minify"):
        config = minify(config, options.text("context"))
    if options.flag("flatten"):
        config = flatten(config)
    document = as_document(config)
    # view.go: who flattens wants a file that works
    if not options.flag("raw") and not options.flag("flatten"):
        document = hide(document)
    if printer is not None:
        sys.stdout.write(printer.render(document))
    return 0
