"""-f: objects from files, folders, URLs and stdin.

Source: kubernetes/cli-runtime pkg/resource/builder.go, visitor.go: file types,
order, and the texts.
"""

from __future__ import annotations

import json
import os
import sys

from apimachinery.go_json import wrong_field, wrong_value
from kubectl_cli.documents.files import read_file
from kubectl_cli.errors import AggregateError, CommandError
from kubectl_cli.flags import Flag
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.selecting.resources import Resource

__all__ = [
    "FILE_FLAGS",
    "Manifest",
    "read_manifests",
    "read_objects",
    "split_manifests",
    "visit_manifests",
]

FILE_FLAGS = (
    Flag("filename", "slice", short="f", help="Files, folders or URLs with objects."),
    Flag("kustomize", short="k", help="A kustomization folder; not supported here."),
    Flag("recursive", "bool", short="R", help="Also the folders in a folder of -f."),
)
_URLS = ("http://", "https://")
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


def visit_manifests(
    files: list[str],
    factory: Factory,
    *,
    recursive: bool = False,
    validates: bool = False,
) -> Iterator[Manifest | CommandError]:
    """The objects of these files, lists taken apart, and the errors on the way.

    A text that cannot be read ends its file; an object that cannot be used, or is of a
    type that the server has not, does not hide those behind it. With `validates` each
    object must tell its type.

    Source: cli-runtime pkg/resource/visitor.go (StreamVisitor, ContinueOnErrorVisitor).
    """
    for path in _existing(files):
        sources = _sources(path, recursive=recursive)
        while True:
            try:
                source, text = next(sources)
            except StopIteration:
                break
            except CommandError as error:
                yield error
                break
            try:
                for each in _objects(text, source, validates=validates):
                    yield _located(each, source, factory)
            except CommandError as error:
                yield error


def split_manifests(
    visited: Iterable[Manifest | CommandError],
) -> tuple[list[Manifest], list[Exception]]:
    """The objects, and the errors."""
    found: list[Manifest] = []
    errors: list[Exception] = []
    for each in visited:
        if isinstance(each, CommandError):
            errors.append(each)
        else:
            found.append(each)
    return found, errors


def read_manifests(
    files: list[str], factory: Factory, *, recursive: bool = False
) -> list[Manifest]:
    """All objects of these files, or the errors."""
    found, errors = split_manifests(
        visit_manifests(files, factory, recursive=recursive)
    )
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise AggregateError(errors)
    return found


def read_objects(files: list[str], *, recursive: bool = False) -> Iterator[JsonObject]:
    """The objects of these files as they are, without a server."""
    for path in _existing(files):
        for source, text in _sources(path, recursive=recursive):
            for each in _objects(text, source):
                if isinstance(each, CommandError):
                    raise each
                yield each


def _existing(files: list[str]) -> list[str]:
    """The files, patterns replaced by what they match.

    Raises:
        CommandError: one is not there; nothing is done then.
    """
    paths: list[str] = []
    for path in files:
        if path == "-" or path.startswith(_URLS) or os.path.exists(path):
            paths.append(path)
            continue
        from glob import glob

        matching = sorted(glob(path))
        if not matching:
            raise CommandError(f'the path "{path}" does not exist')
        paths += matching
    return paths


def _sources(path: str, *, recursive: bool) -> Iterator[tuple[str, bytes]]:
    if path == "-":
        yield "STDIN", sys.stdin.buffer.read()
    elif path.startswith(_URLS):
        yield path, _download(path)
    elif os.path.isdir(path):
        yield from _folder(path, recursive=recursive)
    else:
        yield path, read_file(path)


def _folder(path: str, *, recursive: bool) -> Iterator[tuple[str, bytes]]:
    count = 0
    for folder, inner, names in os.walk(path):
        inner.sort()
        if not recursive:
            inner.clear()
        for name in sorted(names):
            if name.endswith(_SUFFIXES):
                count += 1
                # filepath.Walk: `.` is no part of a name
                source = os.path.normpath(os.path.join(folder, name))
                yield source, read_file(source)
    if not count:
        raise CommandError(
            f"error reading [{path}]: recognized file extensions are [.json .yaml .yml]"
        )


def _download(url: str) -> bytes:
    from urllib.parse import urlsplit

    from hops.blocking.client import BlockingClient

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
) -> Iterator[JsonObject | CommandError]:
    for document in _documents(text, source):
        if document is None:
            continue
        if validates:
            _validate(document, source)
        try:
            found = list(_flatten(document, source))
        except CommandError as error:
            yield error
        else:
            yield from found


def _validate(document: Any, source: str) -> None:
    """What kubectl's own look at an object finds; the rest is left to the server.

    Source: kubernetes/kubectl pkg/validation/schema.go (ValidateBytes, getObjectKind).
    """
    if isinstance(document, dict):
        missing = [
            f"{key} isn't string type" if document.get(key) else f"{key} not set"
            for key in ("apiVersion", "kind")
            if not document.get(key) or not isinstance(document[key], str)
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
            f'unable to decode "{source}": '
            + wrong_value(document, "unstructured.detector")
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
    _check_names(document["metadata"], source)
    yield document


def _check_names(metadata: Any, source: str) -> None:
    """What names an object must be text: `name: yes` is none in YAML."""
    if not isinstance(metadata, dict):
        raise _mismatch(source, metadata, "metadata", "v1.ObjectMeta")
    for field in ("name", "namespace", "generateName"):
        value = metadata.get(field)
        if value is not None and not isinstance(value, str):
            raise _mismatch(source, value, f"metadata.{field}", "string")


def _mismatch(source: str, value: Any, field: str, wanted: str) -> CommandError:
    owner = "ObjectMeta" if "." in field else "metadataOnlyObject"
    return CommandError(
        f'unable to decode "{source}": {wrong_field(value, f"{owner}.{field}", wanted)}'
    )


def _documents(text: bytes, source: str) -> Iterator[Any]:
    from kubectl_cli.documents.stream import DocumentError, documents

    try:
        yield from documents(text)
    except DocumentError as error:
        raise CommandError(f"error parsing {source}: {error}") from None


def _located(
    each: JsonObject | CommandError, source: str, factory: Factory
) -> Manifest | CommandError:
    if isinstance(each, CommandError):
        return each
    try:
        return _locate(each, source, factory)
    except CommandError as error:
        return error


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
