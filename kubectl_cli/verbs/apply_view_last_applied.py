"""`apply view-last-applied`: what was applied last, as objects keep it.

Source: kubernetes/kubectl pkg/cmd/apply/apply_view_last_applied.go.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Show what was applied to objects last."
USE = "apply view-last-applied (TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME)"
EXAMPLES = "kubectl apply view-last-applied deployment/nginx"
FLAGS = (
    *FILE_FLAGS,
    Flag("all", "bool", help="All objects of the type in the namespace."),
    Flag("output", default="yaml", short="o", help="yaml or json."),
    Flag("selector", short="l", help="Only objects with these labels."),
)


def run(options: Options, factory: Factory) -> int:
    """Read all of them, then print."""
    from kubectl_cli.applying.last_applied import last_applied_text

    texts = []
    for obj, source in _objects(options, factory):
        text = last_applied_text(obj)
        if text:
            texts.append(text)
        elif source:
            # kubectl wraps the error that it has not got
            name = obj["metadata"]["name"]
            raise CommandError(
                "error when no last-applied-configuration annotation found on"
                f' resource: {name}\n "{source}": <nil>'
            )
    for text in texts:
        sys.stdout.write(_rendered(text, options.text("output")))
    return 0


def _objects(options: Options, factory: Factory) -> Iterator[tuple[JsonObject, str]]:
    """The live objects, and the file that named each, "" for none."""
    if options.items("filename"):
        from kubectl_cli.documents.manifests import visit_manifests

        files, recursive = options.items("filename"), options.flag("recursive")
        for each in visit_manifests(files, factory, recursive=recursive):
            if isinstance(each, CommandError):
                raise each
            yield factory.client.get(each.path), each.source
        return
    from kubectl_cli.selecting.selected import Selected, select_objects

    for found in select_objects(options, factory, options.args):
        if not isinstance(found, Selected):
            raise found
        yield found.object, ""


def _rendered(text: str, output: str) -> str:
    if output == "json":
        from kubectl_cli.printers.json import to_json

        # json.Indent keeps the newline that the annotation ends with, or does not
        shown = to_json(json.loads(text), sort_keys=False, indent=2)
        return shown if text.endswith("\n") else shown.rstrip("\n")
    if output == "yaml":
        from kubectl_cli.printers.yaml import to_yaml

        return to_yaml(json.loads(text))
    raise UsageError(
        f"Unexpected -o output mode: {output}, the flag 'output' must be one of"
        " yaml|json",
        "kubectl apply view-last-applied",
    )
