"""What `describe` does once its flags are right: fetch, describe, or look for names
that start so."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.changes import raise_all
from kubectl_cli.describe.describer import ObjectDescriber
from kubectl_cli.documents.manifests import split_manifests, visit_manifests
from kubectl_cli.errors import AggregateError, CommandError
from kubectl_cli.selecting.list_failures import telling_of_list
from kubectl_cli.selecting.missing_namespace import telling_of_namespace
from kubectl_cli.selecting.selected import Selected
from kubectl_cli.selecting.targets import parse_targets

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.resources import Resource
    from kubectl_cli.selecting.targets import Target

__all__ = ["DescribeCommand"]


class DescribeCommand:
    """One run of `describe`."""

    def __init__(self, options: Options, factory: Factory) -> None:
        self._options = options
        self._factory = factory
        self._errors: list[Exception] = []
        self._describer = ObjectDescriber(factory)
        self._describer.shows_events = options.flag("show-events")

    def run(self) -> int:
        targets = self._targets()
        found: list[Selected] = []
        for target, namespace in targets:
            try:
                found += self._fetch(target, namespace)
            except StatusError as error:
                prefix = target.name and len(self._options.args) == 2
                if error.reason == "NotFound" and prefix:
                    if len(targets) == 2:
                        raise  # of `pod/a pod/b` the second is taken for a prefix, too
                    return self._by_prefix(target, namespace, error)
                self._errors.append(error)
        several = len(found) > 1 or len(targets) > 1
        if several and not self._options.changed("show-events"):
            self._describer.shows_events = (
                False  # describe.go: too much for many objects
            )
        first = True
        for each in found:
            try:
                text = self._describer.describe(each)
            except (StatusError, CommandError) as error:
                self._errors.append(error)
                continue
            sys.stdout.write(text if first else f"\n\n{text}")
            first = False
        if not found and not self._errors:
            where = (
                ""
                if self._options.flag("all-namespaces")
                else f" in {self._factory.namespace} namespace."
            )
            print(f"No resources found{where}", file=sys.stderr)
        raise_all(list({str(error): error for error in self._errors}.values()))
        return 0

    def _targets(self) -> list[tuple[Target, str]]:
        from kubectl_cli.selecting.targets import Target

        options, factory = self._options, self._factory
        if files := options.items("filename"):
            visited = visit_manifests(
                files, factory, recursive=options.flag("recursive")
            )
            found, unread = split_manifests(visited)
            self._errors += [AggregateError(unread)] if unread else []
            return [(Target(m.resource, m.name), m.namespace) for m in found]
        selector = bool(options.text("selector"))
        targets = parse_targets(options.args, factory.mapper, has_selector=selector)
        namespace = "" if options.flag("all-namespaces") else factory.namespace
        return [(t, namespace if t.resource.namespaced else "") for t in targets]

    def _fetch(self, target: Target, namespace: str) -> list[Selected]:
        resource = target.resource
        if target.name:
            client = self._factory.client
            with telling_of_namespace(client, namespace):
                obj = client.get(resource.path(namespace, target.name))
            return [Selected(resource, namespace, target.name, obj)]
        return self._list(resource, namespace)

    def _list(self, resource: Resource, namespace: str) -> list[Selected]:
        query: Query = []
        if self._options.text("selector"):
            query.append(("labelSelector", self._options.text("selector")))
        if self._options.number("chunk-size") > 0:
            query.append(("limit", str(self._options.number("chunk-size"))))
        found: list[Selected] = []
        more = ""
        while True:
            asked = [*query, ("continue", more)] if more else query
            with telling_of_list(resource, query):
                listed = self._factory.client.get(resource.path(namespace), asked)
            for item in listed.get("items") or ():
                metadata = item["metadata"]
                own = metadata.get("namespace") or ""
                item = {
                    "apiVersion": resource.api_version,
                    "kind": resource.kind,
                    **item,
                }
                found.append(Selected(resource, own, metadata["name"], item))
            more = (listed.get("metadata") or {}).get("continue") or ""
            if not more:
                return found

    def _by_prefix(self, target: Target, namespace: str, error: StatusError) -> int:
        """`describe pod web` describes all whose names start with `web`."""
        matching = [
            each
            for each in self._list(target.resource, namespace)
            if each.name.startswith(target.name)
        ]
        if not matching:
            raise error
        self._describer.shows_events = self._options.changed("show-events")
        for each in matching:
            print(self._describer.describe(each))
        return 0
