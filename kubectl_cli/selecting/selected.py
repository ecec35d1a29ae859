"""The live objects that words, files and selectors pick, one after the other.

Source: kubernetes/cli-runtime pkg/resource/builder.go with Latest().
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.documents.manifests import read_objects, visit_manifests
from kubectl_cli.errors import CommandError
from kubectl_cli.selecting.list_failures import telling_of_list
from kubectl_cli.selecting.missing_object import telling_of_object
from kubectl_cli.selecting.resources import Resource
from kubectl_cli.selecting.targets import (
    MISSING_RESOURCES,
    parse_targets,
    selects_objects,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

__all__ = ["Selected", "select_objects"]


_WORDS_AND_FILES = (
    "when paths, URLs, or stdin is provided as input, you may not specify resource"
    " arguments as well"
)
_NAME_AND_FILES = "resource/name arguments cannot be provided when a path is specified"


@dataclass(frozen=True, slots=True)
class Selected:
    """One object as it is now."""

    resource: Resource
    namespace: str
    name: str
    object: JsonObject

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace, self.name)

    @property
    def label(self) -> str:
        return f"{self.resource.label}/{self.name}"


def select_objects(
    options: Options,
    factory: Factory,
    words: list[str],
    *,
    local: bool = False,
    looks: bool = True,
    whole_types: bool = False,
    selects: bool = True,
) -> Iterator[Selected | StatusError | CommandError]:
    """The objects, and in place of an object the error that it gives.

    With `local` those of the files as they are in the files, without a server. Unless it
    `looks`, those of the files are as they are in the files, and the server only says
    where they belong. With --subresource it is the subresource that is read. With
    `whole_types` a type alone means all its objects. Without `selects` the flag
    --selector is about something else.
    """
    if options.has("filename") and options.items("filename"):
        if words and not local:
            raise CommandError(_NAME_AND_FILES if "/" in words[0] else _WORDS_AND_FILES)
        yield from _of_files(options, factory, local=local, looks=looks)
        return
    selects = selects and selects_objects(options, words)
    targets = parse_targets(
        words, factory.mapper, has_selector=selects, allow_empty_name=whole_types
    )
    if not targets:
        raise CommandError(MISSING_RESOURCES)
    if not selects and targets[0].name:
        for target in targets:
            namespace = factory.namespace if target.resource.namespaced else ""
            sub = options.text("subresource") if options.has("subresource") else ""
            yield _named(factory, target.resource, namespace, target.name, sub)
        return
    for target in targets:
        yield from _listed(options, factory, target.resource)


def _of_files(
    options: Options, factory: Factory, *, local: bool, looks: bool
) -> Iterator[Selected | StatusError | CommandError]:
    files, recursive = options.items("filename"), options.flag("recursive")
    if local:
        yield from map(_local, read_objects(files, recursive=recursive))
        return
    for each in visit_manifests(files, factory, recursive=recursive):
        if isinstance(each, CommandError):
            yield each
        elif not looks:
            yield Selected(each.resource, each.namespace, each.name, each.object)
        else:
            yield _named(factory, each.resource, each.namespace, each.name)


def _local(obj: JsonObject) -> Selected:
    """An object of a file without a server, which alone knows resources and namespaces."""
    kind = str(obj["kind"])
    group, _, version = str(obj.get("apiVersion") or "").rpartition("/")
    resource = Resource(group, version, kind.lower(), kind, namespaced=False)
    return Selected(resource, "", str(obj["metadata"].get("name") or ""), obj)


def _named(
    factory: Factory, resource: Resource, namespace: str, name: str, sub: str = ""
) -> Selected | StatusError | CommandError:
    try:
        with telling_of_object(factory.client, resource, namespace, name):
            obj = factory.client.get(resource.path(namespace, name, sub))
    except (StatusError, CommandError) as error:
        return error
    return Selected(resource, namespace, name, obj)


def _listed(
    options: Options, factory: Factory, resource: Resource
) -> Iterator[Selected]:
    everywhere = options.has("all-namespaces") and options.flag("all-namespaces")
    namespace = "" if everywhere else factory.namespace
    query = [
        (name, options.text(flag))
        for name, flag in (
            ("labelSelector", "selector"),
            ("fieldSelector", "field-selector"),
        )
        if options.has(flag) and options.text(flag)
    ]
    with telling_of_list(resource, query):
        listed = factory.client.get(resource.path(namespace), query)
    kind, version = resource.kind, resource.api_version
    for item in listed.get("items") or ():
        obj = {"apiVersion": version, "kind": kind, **item}
        metadata = item["metadata"]
        own = metadata.get("namespace") or ""
        yield Selected(resource, own, metadata["name"], obj)
