"""`get`: show objects as a table, or in the format asked for.

Source: kubernetes/kubectl pkg/cmd/get/get.go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS, split_format

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Show one or many objects."
USE = (
    "get [(-o|--output=)json|yaml|kyaml|name|go-template|go-template-file|template|"
    "templatefile|jsonpath|jsonpath-as-json|jsonpath-file|custom-columns|"
    "custom-columns-file|wide] (TYPE[.VERSION][.GROUP] [NAME | -l label] |"
    " TYPE[.VERSION][.GROUP]/NAME ...) [flags]"
)
EXAMPLES = """kubectl get pods
kubectl get pods -o wide -w
kubectl get pod web -o jsonpath='{.status.phase}'"""
FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    Flag("all-namespaces", "bool", short="A", help="In all namespaces."),
    Flag("chunk-size", "int", 500, help="Ask for long lists in pieces of this size."),
    Flag("field-selector", help="Only objects with these field values."),
    Flag("ignore-not-found", "bool", help="An object that is not there is no error."),
    Flag("label-columns", "slice", short="L", help="Labels to show as columns."),
    Flag("no-headers", "bool", help="No line of headers."),
    Flag("output-watch-events", "bool", help="With -w, say what happened."),
    Flag("raw", help="A path to ask the server for, as it is."),
    Flag("selector", short="l", help="Only objects with these labels."),
    Flag("server-print", "bool", True, help="Let the server make the table."),
    Flag("show-kind", "bool", help="Put the type before each name."),
    Flag("show-labels", "bool", help="Show all labels in the last column."),
    Flag("sort-by", help="Sort by this field, a JSONPath."),
    Flag("subresource", help="Show this subresource: status, scale, resize."),
    Flag("watch", "bool", short="w", help="List, then show each change."),
    Flag("watch-only", "bool", help="Show each change, without the list."),
)
_NO_RESOURCE = """You must specify the type of resource to get. \
Use "kubectl api-resources" for a complete list of supported resources.
"""


def run(options: Options, factory: Factory) -> int:
    """Show what the words select."""
    if options.changed("raw"):
        return _raw(options, factory)
    _validate(options)
    from kubectl_cli.getting.command import GetCommand

    return GetCommand(options, factory).run()


def _raw(options: Options, factory: Factory) -> int:
    path = options.text("raw")
    for flag in ("watch", "watch-only"):
        if options.flag(flag):
            raise CommandError(
                "--raw may not be specified with other flags that filter the server request or alter the output"
            )
    if options.text("output"):
        raise CommandError("--raw and --output are mutually exclusive")
    if options.args:
        raise CommandError("arguments may not be passed when --raw is specified")
    if not path.startswith("/"):
        raise CommandError(
            f'--raw must be a valid URL path: parse "{path}": invalid URI for request'
        )
    with factory.client.stream_raw(path) as answer:
        for chunk in answer.chunks():
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
    return 0


def _validate(options: Options) -> None:
    output, _ = split_format(options)
    if options.flag("show-labels") and output not in ("", "wide"):
        raise CommandError(f"--show-labels option cannot be used with {output} printer")
    if options.flag("output-watch-events") and not (
        options.flag("watch") or options.flag("watch-only")
    ):
        raise CommandError(
            "--output-watch-events option can only be used with --watch or --watch-only"
        )
    if not options.args and not options.items("filename"):
        print(_NO_RESOURCE, file=sys.stderr)
        raise UsageError(
            "Required resource not specified.\n"
            'Use "kubectl explain <resource>" for a detailed description of that'
            " resource (e.g. kubectl explain pods).",
            "kubectl get",
        )
    by_name = len(options.args) > 1 or any("/" in word for word in options.args)
    if options.flag("all-namespaces") and by_name:
        raise CommandError(
            "a resource cannot be retrieved by name across all namespaces"
        )
    if options.text("subresource") and not by_name:
        raise CommandError(
            "subresource cannot be used when bulk resources are specified"
        )
