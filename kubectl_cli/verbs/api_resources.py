"""`api-resources`: the resource types of the server.

Source: kubernetes/kubectl pkg/cmd/apiresources/apiresources.go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import make_printer

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.resources import Resource

SUMMARY = "Print the resource types that the server supports."
USE = "api-resources [flags]"
FLAGS = (
    Flag("api-group", help="Only the types of this group."),
    Flag("cached", "bool", help="What is in the cache will do."),
    Flag("categories", "slice", help="Only the types of these categories."),
    Flag("namespaced", "bool", True, help="Only types with, or without, namespaces."),
    Flag("no-headers", "bool", help="No line of headers."),
    Flag("output", short="o", help="json, yaml, name or wide."),
    Flag("show-managed-fields", "bool", help="Accepted for compatibility."),
    Flag("sort-by", help="'name' or 'kind'."),
    Flag("verbs", "slice", help="Only types with these verbs."),
)
_FORMATS = ("json", "kyaml", "name", "wide", "yaml")


def run(options: Options, factory: Factory) -> int:
    """Ask the server anew, and print what is wanted."""
    if options.args:
        words = " ".join(options.args)
        raise UsageError(f"unexpected arguments: [{words}]", "kubectl api-resources")
    if options.text("sort-by") not in ("", "name", "kind"):
        raise CommandError("--sort-by accepts only name or kind")
    output = options.text("output")
    printer = None
    if output not in ("", "wide", "name"):
        printer = make_printer(options, _FORMATS, typed=True)
    found = _wanted(options, _all(options, factory))
    if printer is not None:
        sys.stdout.write(printer.render(_as_list(found)))
    elif output == "name":
        for each in found:
            print(each.full_name)
    else:
        _print_table(options, found, wide=output == "wide")
    return 0


def _all(options: Options, factory: Factory) -> list[Resource]:
    if options.flag("cached"):
        return factory.mapper.discovered()
    from kubectl_cli.client.discovery import fetch

    groups = fetch(factory.client)
    return [r for r in groups.resources if r.api_version in groups.preferred]


def _wanted(options: Options, resources: list[Resource]) -> list[Resource]:
    group, verbs = options.text("api-group"), options.items("verbs")
    categories = options.items("categories")
    found = [
        each
        for each in resources
        if each.verbs
        and (not options.changed("api-group") or each.group == group)
        and (
            not options.changed("namespaced")
            or each.namespaced is options.flag("namespaced")
        )
        and all(verb in each.verbs for verb in verbs)
        and all(category in each.categories for category in categories)
    ]
    match options.text("sort-by"):
        case "name":
            return sorted(found, key=lambda each: each.name)
        case "kind":
            return sorted(found, key=lambda each: each.kind)
    return sorted(found, key=lambda each: (each.group, each.name))


def _print_table(options: Options, found: list[Resource], *, wide: bool) -> None:
    from kubectl_cli.printers.tabwriter import TabWriter

    writer = TabWriter()
    if not options.flag("no-headers"):
        headers = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]
        writer.line("\t".join([*headers, "VERBS", "CATEGORIES"] if wide else headers))
    for each in found:
        row = [
            each.name,
            ",".join(each.short_names),
            each.api_version,
            str(each.namespaced).lower(),
            each.kind,
        ]
        if wide:
            row += [",".join(each.verbs), ",".join(each.categories)]
        writer.line("\t".join(row))
    sys.stdout.write(writer.flush())


def _as_list(found: list[Resource]) -> JsonObject:
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": "",
        "resources": [_as_object(each) for each in found],
    }


def _as_object(each: Resource) -> JsonObject:
    obj: JsonObject = {
        "name": each.name,
        "singularName": each.singular,
        "namespaced": each.namespaced,
        "group": each.group,
        "version": each.version,
        "kind": each.kind,
        "verbs": list(each.verbs),
        "shortNames": list(each.short_names),
        "categories": list(each.categories),
    }
    empty_goes = ("group", "shortNames", "categories")
    return {k: v for k, v in obj.items() if v or k not in empty_goes}
