"""-f: objects from files, folders, URLs and stdin.

Source: kubernetes/cli-runtime pkg/resource/builder.go, visitor.go: file types,
order, and the texts.
"""

from __future__ import annotations

import json
import os
import sys

from kubectl_cli.errors import AggregateError, CommandError
from kubectl_cli.flags import Flag
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from apimachinery.types import JsonObject
    from kubectl_cli.factory import Factory
    from kubectl_cli.resources import Resource

__all__ = ["FILE_FLAGS", "Manifest", "read_manifests", "read_objects"]

FILE_FLAGS = (
    Flag("filename", "slice", short="f", help="Files, folders or URLs with objects."),
    Flag("kustomize", short="k", help="A kustomization folder; not supported here."),
    Flag("recursive", "bool", short="R", help="Also the folders in a folder of -f."),
)
_SUFFIXES = (".json", ".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object of a file, the resource it belongs to, and where it goes."""

    object: JsonObject
    resource: Resource
    namespace: str
    source: str

    @property
    def name(self) -> str:
        return str(self.object["metadata"].get("name") or "")

    @property
    def path(self) -> str:
        """The URL path of the object."""
        return self.resource.path(self.namespace, self.name)

    @property
    def collection(self) -> str:
        """The URL path of its type in its namespace."""
        return self.resource.path(self.namespace)

    @property
    def label(self) -> str:
        """`pod/p1`"""
        return f"{self.resource.label}/{self.name}"


def read_manifests(
    files: list[str],
    factory: Factory,
    *,
    recursive: bool = False,
    verb: str = "",
    validates: bool = False,
) -> list[Manifest]:
    """All objects of these files, lists taken apart.

    A `verb` must not be left without any; with `validates` each must tell its type.
    """
    found: list[Manifest] = []
    errors: list[CommandError] = []
    for path in files:
        for source, text in _sources(path, recursive=recursive):
            try:
                objects = _objects(text, source, validates=validates)
                found += [_locate(each, source, factory) for each in objects]
            except CommandError as error:
                errors.append(error)
    _raise(errors)
    if verb and not found:
        raise CommandError(f"no objects passed to {verb}")
    return found


def _raise(errors: list[CommandError]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise AggregateError(list(errors))


def read_objects(files: list[str], *, recursive: bool = False) -> Iterator[JsonObject]:
    """The objects of these files as they are, without a server."""
    for path in files:
        for source, text in _sources(path, recursive=recursive):
            yield from _objects(text, source)


def _sources(path: str, *, recursive: bool) -> Iterator[tuple[str, bytes]]:
    if path == "-":
        yield "STDIN", sys.stdin.buffer.read()
    elif path.startswith(("http://", "https://")):
        yield path, _download(path)
    elif not os.path.exists(path):
        raise CommandError(f'the path "{path}" does not exist')
    elif os.path.isdir(path):
        yield from _folder(path, recursive=recursive)
    else:
        yield path, _read(path)


def _folder(path: str, *, recursive: bool) -> Iterator[tuple[str, bytes]]:
    count = 0
    for folder, inner, names in os.walk(path):
        inner.sort()
        if not recursive:
            inner.clear()
        for name in sorted(names):
            if name.endswith(_SUFFIXES):
                count += 1
                source = os.path.join(folder, name)
                yield source, _read(source)
    if not count:
        raise CommandError(
            f"error reading [{path}]: recognized file extensions are [.json .yaml .yml]"
        )


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        problem = (error.strerror or "").lower()
        raise CommandError(f"open {path}: {problem}") from None


def _download(url: str) -> bytes:
    from urllib.parse import urlsplit

    from hops.blocking import BlockingClient

    parts = urlsplit(url)
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    with BlockingClient(f"{parts.scheme}://{parts.netloc}") as client:
        answer = client.request("GET", target, [("User-Agent", "mini-kubectl")])
    if answer.status != 200:
        raise CommandError(
            f'unable to read URL "{url}", server reported {answer.status}'
            f" {answer.reason}, status code={answer.status}"
        )
    return answer.body


def _objects(
    text: bytes, source: str, *, validates: bool = False
) -> Iterator[JsonObject]:
    for document in _documents(text, source):
        if document is None:
            continue
        if validates:
            _validate(document, source)
        yield from _flatten(document, source)


def _validate(document: Any, source: str) -> None:
    """What kubectl's own look at an object finds; the rest is left to the server.

    Source: kubernetes/kubectl pkg/validation/schema.go (ValidateBytes, getObjectKind).
    """
    if isinstance(document, dict):
        missing = [
            f"{key} not set" for key in ("apiVersion", "kind") if not document.get(key)
        ]
        problem = missing[0] if len(missing) == 1 else f"[{', '.join(missing)}]"
    else:
        missing, problem = ["object"], "invalid object to validate"
    if missing:
        raise CommandError(
            f'error validating "{source}": error validating data: {problem}; if you'
            " choose to ignore these errors, turn validation off with --validate=false"
        )


def _flatten(document: Any, source: str) -> Iterator[JsonObject]:
    if not isinstance(document, dict):
        raise CommandError(
            f"error parsing {source}: json: cannot unmarshal {_json_kind(document)} into"
            " Go value of type map[string]interface {}"
        )
    if isinstance(document.get("items"), list) and str(
        document.get("kind", "")
    ).endswith("List"):
        for item in document["items"]:
            yield from _flatten(item, source)
        return
    if not document.get("kind"):
        shown = json.dumps(document, separators=(",", ":"), sort_keys=True)
        raise CommandError(
            f"unable to decode \"{source}\": Object 'Kind' is missing in '{shown}'"
        )
    document.setdefault("metadata", {})
    if document["metadata"] is None:
        document["metadata"] = {}
    yield document


def _json_kind(value: Any) -> str:
    if isinstance(value, list):
        return "array"
    if isinstance(value, bool):
        return "bool"
    return "string" if isinstance(value, str) else "number"


def _documents(text: bytes, source: str) -> Iterator[Any]:
    if text.lstrip()[:1] in (b"{", b"["):
        decoded = text.decode("utf-8-sig", "replace")
        try:
            yield from _json_documents(decoded)
        except json.JSONDecodeError as error:
            # a YAML flow mapping is no JSON, but nothing goes on behind the end
            if error.pos >= len(decoded.rstrip()) and decoded.lstrip()[0] == "{":
                raise CommandError(f"error parsing {source}: unexpected EOF") from None
        else:
            return
    from kubectl_cli.yaml_input import YamlInputError, load_documents

    try:
        yield from load_documents(text)
    except YamlInputError as error:
        raise CommandError(
            f"error parsing {source}: error converting YAML to JSON: {error}"
        ) from None


def _json_documents(text: str) -> list[Any]:
    """One JSON value after the other."""
    decoder = json.JSONDecoder()
    values, position = [], 0
    while position < len(text):
        while position < len(text) and text[position] in " \t\r\n":
            position += 1
        if position < len(text):
            value, position = decoder.raw_decode(text, position)
            values.append(value)
    return values


def _locate(obj: JsonObject, source: str, factory: Factory) -> Manifest:
    version, kind = str(obj.get("apiVersion") or ""), str(obj["kind"])
    try:
        resource = factory.mapper.for_kind(version, kind)
    except CommandError as error:
        name = obj["metadata"].get("name") or ""
        namespace = obj["metadata"].get("namespace") or ""
        raise CommandError(
            f'resource mapping not found for name: "{name}" namespace: "{namespace}"'
            f' from "{source}": {error}\nensure CRDs are installed first'
        ) from None
    return Manifest(obj, resource, _namespace(obj, resource, factory), source)


def _namespace(obj: JsonObject, resource: Resource, factory: Factory) -> str:
    if not resource.namespaced:
        return ""
    own = obj["metadata"].get("namespace") or ""
    if factory.namespace_given and own and own != factory.namespace:
        raise CommandError(
            f'the namespace from the provided object "{own}" does not match the'
            f" namespace \"{factory.namespace}\". You must pass '--namespace={own}' to"
            " perform this operation."
        )
    if not own:
        obj["metadata"]["namespace"] = factory.namespace
    return own or factory.namespace
