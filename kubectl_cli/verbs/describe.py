"""`describe`: one or many objects in detail, with their events.

Source: kubernetes/kubectl pkg/cmd/describe/describe.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Show details of an object or of a group of objects."
USE = "describe (-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)"
EXAMPLES = (
    "kubectl describe pods/nginx\nkubectl describe node\nkubectl describe po -l a=b"
)
FLAGS = (
    *FILE_FLAGS,
    Flag("all-namespaces", "bool", short="A", help="In all namespaces."),
    Flag("chunk-size", "int", 500, help="Ask for long lists in pieces of this size."),
    Flag("selector", short="l", help="Only objects with these labels."),
    Flag("show-events", "bool", True, help="Show the events of the object too."),
)


def run(options: Options, factory: Factory) -> int:
    """Describe what the words select."""
    if not options.args and not options.items("filename"):
        raise CommandError(
            'You must specify the type of resource to describe. Use "kubectl'
            ' api-resources" for a complete list of supported resources.'
        )
    from kubectl_cli.describe.command import DescribeCommand

    return DescribeCommand(options, factory).run()
