"""`explain`: what the fields of a type are for, as its server says.

Source: kubernetes/kubectl pkg/cmd/explain/explain.go, pkg/explain/explain.go of 1.36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.errors import AggregateError, CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.resources import Mapper, Resource

SUMMARY = "Get documentation for a resource."
USE = (
    "explain TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group]"
    " [-o|--output=plaintext]"
)
EXAMPLES = """kubectl explain pods
kubectl explain pods --recursive
kubectl explain deployments --api-version=apps/v1
kubectl explain pods.spec.containers"""
FLAGS = (
    Flag("api-version", help="Explain this version of the type (group/version)."),
    Flag("output", default="plaintext", short="o", help="plaintext."),
    Flag("recursive", "bool", short="R", help="All names of fields within fields."),
)
_TIMEOUT = [("timeout", "32s")]
_NOT_A_FIELD = "invalid jsonpath syntax, first node must be field node"


def run(options: Options, factory: Factory) -> int:
    """Find the type, ask for its schema, print what that says."""
    if not options.args:
        raise CommandError(
            'You must specify the type of resource to explain. Use "kubectl'
            ' api-resources" for a complete list of supported resources.'
        )
    if len(options.args) > 1:
        raise CommandError("We accept only this format: explain RESOURCE")
    resource, path = _locate(options.args[0], factory.mapper)
    group, version = resource.group, resource.version
    if given := options.text("api-version"):
        group, version = _group_version(given)
    shown = f"{group}/{version}, Resource={resource.name}"
    document = _document(factory, group, version, shown)
    if options.text("output") != "plaintext":
        raise CommandError(f"unrecognized format: {options.text('output')}")
    from kubectl_cli.explanation import Explanation

    explanation = Explanation(document, recursive=options.flag("recursive"))
    kind = explanation.kind_of(group, version, resource.name)
    if kind is None:
        raise CommandError(f"GVR ({shown}) not found in OpenAPI schema")
    print(_title(kind))
    print(explanation.text(kind, path))
    return 0


def _locate(word: str, mapper: Mapper) -> tuple[Resource, list[str]]:
    """The resource, and the names of fields behind it.

    A name that other groups have too may be followed by its group.
    """
    if not word:
        raise CommandError("a resource must be present, got: /, Resource=")
    steps = list(_steps(word))
    try:
        same = mapper.all_named(steps[0])
    except CommandError as error:
        raise AggregateError([error]) from None  # told without `error: `
    for resource in same:
        if word.startswith(resource.full_name):
            return resource, list(_steps(word[len(resource.full_name) :], ""))
    return same[0], steps[1:]


def _steps(word: str, start: str = ".") -> Iterator[str]:
    """The names in `pods.spec['containers']`.

    Source: cli-runtime's and client-go's jsonpath, as far as names go.
    """
    import re

    text = start + word
    if start and text.startswith(".."):
        raise CommandError(_NOT_A_FIELD)
    place = 0
    while place < len(text):
        found = re.compile(r"\.([^.\[\]{}]*)|\['([^']*)'\]").match(text, place)
        if found is None:
            raise CommandError(_jsonpath_problem(text[place:]))
        if name := found[1] or found[2]:
            yield name
        place = found.end()


def _jsonpath_problem(rest: str) -> str:
    if rest[0] in "{}":
        character = rest[0]
        return f"unrecognized character in action: U+{ord(character):04X} '{character}'"
    inner, closed, _ = rest[1:].partition("]")
    if not closed:
        return "unterminated array"
    if inner.strip("0123456789:*-,") and not inner.startswith("?("):
        return f"invalid array index {inner}"
    return _NOT_A_FIELD


def _group_version(text: str) -> tuple[str, str]:
    # apimachinery pkg/runtime/schema ParseGroupVersion
    if text.count("/") > 1:
        raise CommandError(f"unexpected GroupVersion string: {text}")
    group, _, version = text.rpartition("/")
    return group, version


def _document(factory: Factory, group: str, version: str, shown: str) -> JsonObject:
    from urllib.parse import parse_qsl, urlsplit

    from kubectl_cli.client.rest import ACCEPT_JSON, ACCEPT_REST

    client = factory.client
    paths = client.get("/openapi/v3", _TIMEOUT, accept=ACCEPT_REST)["paths"]
    entry = paths.get(f"apis/{group}/{version}" if group else f"api/{version}")
    if entry is None:
        from apimachinery.go_text import quote

        raise CommandError(f"couldn't find resource for {quote(shown)}")
    url = urlsplit(entry["serverRelativeURL"])
    return client.get(url.path, parse_qsl(url.query) + _TIMEOUT, accept=ACCEPT_JSON)


def _title(kind: JsonObject) -> str:
    lines = [f"KIND:       {kind['kind']}", f"VERSION:    {kind['version']}", ""]
    if kind.get("group"):
        lines.insert(0, f"GROUP:      {kind['group']}")
    return "\n".join(lines)
