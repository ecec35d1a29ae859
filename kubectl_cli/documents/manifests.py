"""-f: objects from files, folders, URLs and stdin.

Source: kubernetes/cli-runtime pkg/resource/builder.go, visitor.go: file types,
order, and the texts.
"""

from __future__ import annotations

import os
import sys

from kubectl_cli.documents.files import read_file
from kubectl_cli.documents.objects import objects_of
from kubectl_cli.errors import AggregateError, CommandError
from kubectl_cli.flags import Flag
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.selecting.resources import Resource

__all__ = [
    "FILE_FLAGS",
    "Manifest",
    "find_resource",
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
                for each in objects_of(text, source, validates=validates):
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
            for each in objects_of(text, source):
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
    resource = find_resource(obj, source, factory)
    return Manifest(obj, resource, _namespace(obj, resource, factory), source)


def find_resource(obj: JsonObject, source: str, factory: Factory) -> Resource:
    """The resource that objects of this type are.

    Raises:
        CommandError: the server has no such type.
    """
    version, kind = str(obj.get("apiVersion") or ""), str(obj["kind"])
    try:
        return factory.mapper.for_kind(version, kind)
    except CommandError as error:
        name = obj["metadata"].get("name") or ""
        namespace = obj["metadata"].get("namespace") or ""
        raise CommandError(
            f'resource mapping not found for name: "{name}" namespace: "{namespace}"'
            f' from "{source}": {error}\nensure CRDs are installed first'
        ) from None


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
