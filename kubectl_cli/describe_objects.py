"""What `describe` does once its flags are right: fetch, describe, or look for names
that start so."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.changes import raise_all
from kubectl_cli.client.rest import ACCEPT_REST
from kubectl_cli.describe.registry import OWNED, describer_of
from kubectl_cli.documents.manifests import split_manifests, visit_manifests
from kubectl_cli.errors import AggregateError, CommandError
from kubectl_cli.list_failures import telling_of_list
from kubectl_cli.missing_namespace import telling_of_namespace
from kubectl_cli.targets import parse_targets

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.flags import Options
    from kubectl_cli.resources import Resource
    from kubectl_cli.targets import Target

__all__ = ["DescribeCommand"]

_MIRROR = "kubernetes.io/config.mirror"


@dataclass(frozen=True, slots=True)
class _Found:
    """One object to describe."""

    resource: Resource
    namespace: str
    name: str
    object: JsonObject

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace, self.name)


class DescribeCommand:
    """One run of `describe`."""

    def __init__(self, options: Options, factory: Factory) -> None:
        self._options = options
        self._factory = factory
        self._errors: list[Exception] = []
        self._shows_events = options.flag("show-events")

    def run(self) -> int:
        targets = self._targets()
        found: list[_Found] = []
        for target, namespace in targets:
            try:
                found += self._fetch(target, namespace)
            except StatusError as error:
                prefix = len(targets) == 1 and len(self._options.args) == 2
                if error.reason == "NotFound" and target.name and prefix:
                    return self._by_prefix(target, namespace, error)
                self._errors.append(error)
        several = len(found) > 1 or len(targets) > 1
        if several and not self._options.changed("show-events"):
            self._shows_events = False  # describe.go: too much for many objects
        first = True
        for each in found:
            try:
                text = self._describe(each)
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
        from kubectl_cli.targets import Target

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

    def _fetch(self, target: Target, namespace: str) -> list[_Found]:
        resource = target.resource
        if target.name:
            client = self._factory.client
            with telling_of_namespace(client, namespace):
                obj = client.get(resource.path(namespace, target.name))
            return [_Found(resource, namespace, target.name, obj)]
        return self._list(resource, namespace)

    def _list(self, resource: Resource, namespace: str) -> list[_Found]:
        query: Query = []
        if self._options.text("selector"):
            query.append(("labelSelector", self._options.text("selector")))
        if self._options.number("chunk-size") > 0:
            query.append(("limit", str(self._options.number("chunk-size"))))
        found: list[_Found] = []
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
                found.append(_Found(resource, own, metadata["name"], item))
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
        self._shows_events = self._options.changed("show-events")
        for each in matching:
            print(self._describe(each))
        return 0

    def _describe(self, found: _Found) -> str:
        key = (found.resource.group, found.resource.name)
        if key == ("", "pods"):
            return self._pod(found)
        if key == ("", "nodes"):
            return self._node(found)
        if key == ("", "services"):
            return self._service(found)
        if key == ("", "namespaces"):
            return self._namespace(found)
        if key in OWNED:
            return self._workload(found, *OWNED[key])
        from kubectl_cli.describe.generic import describe_object

        describe = describer_of(*key) or describe_object
        events = None if key in _EVENTLESS else self._events(_about(found.object))
        return str(describe(found.object, events))

    def _workload(self, found: _Found, root: str, owned: str) -> str:
        from kubectl_cli.describe.workload import WorkloadView
        from kubectl_cli.pods import selector_of

        obj = self._factory.client.get(found.path)
        path = f"{root}/namespaces/{found.namespace}/{owned}"
        query = [("labelSelector", selector_of(obj)), ("limit", "500")]
        uid = obj["metadata"].get("uid")
        view = WorkloadView(
            obj,
            [
                each
                for each in self._found_at(path, query) or []
                if _controller_uid(each) == uid
            ],
            self._events(_about(obj)),
        )
        describe = describer_of(found.resource.group, found.resource.name)
        assert describe is not None  # noqa: S101 - OWNED has the same keys
        return str(describe(view))

    def _pod(self, found: _Found) -> str:
        from kubectl_cli.describe.pod import describe_pod

        pod = self._factory.client.get(found.path)
        metadata = pod["metadata"]
        # kubelets tell of a static pod, whose uid its mirror has as an annotation
        uid = (metadata.get("annotations") or {}).get(_MIRROR, metadata.get("uid"))
        about = (
            f"involvedObject.name={metadata['name']}",
            f"involvedObject.namespace={metadata['namespace']}",
            f"involvedObject.uid={uid or ''}",
        )
        events = self._events(",".join(about), metadata["namespace"])
        return describe_pod(pod, events)

    def _service(self, found: _Found) -> str:
        from kubectl_cli.describe.service import describe_service

        service, namespace = self._factory.client.get(found.path), found.namespace
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        label = f"kubernetes.io/service-name={found.name}"
        slices = self._found_at(path, [("labelSelector", label)]) or []
        about = f"{_about(service)},involvedObject.kind=Service"
        return describe_service(service, slices, self._events(about, namespace))

    def _namespace(self, found: _Found) -> str:
        from kubectl_cli.describe.namespace import describe_namespace

        namespace = self._factory.client.get(found.path)
        path, query = f"/api/v1/namespaces/{found.name}", [("limit", "500")]
        quotas = self._found_at(f"{path}/resourcequotas", query)
        limits = self._found_at(f"{path}/limitranges", query)
        return describe_namespace(namespace, quotas, limits)

    def _found_at(self, path: str, query: Query) -> list[JsonObject] | None:
        """The items of a list; None where the server has none such."""
        try:
            listed = self._factory.client.get(path, query, accept=ACCEPT_REST)
        except StatusError as error:
            if error.reason != "NotFound":
                raise
            return None
        return listed.get("items") or []

    def _events(self, about: str, namespace: str = "") -> list[JsonObject] | None:
        """The events of an object; None when they are not wanted, or not to be had."""
        if not self._shows_events:
            return None
        where = f"namespaces/{namespace}/" if namespace else ""
        query = [("fieldSelector", about), ("limit", "500")]
        try:
            listed = self._factory.client.get(f"/api/v1/{where}events", query)
        except StatusError:
            return None
        return listed.get("items") or []

    def _node(self, found: _Found) -> str:
        from kubectl_cli.describe.node import NodeView, describe_node

        client, name = self._factory.client, found.name
        node = client.get(found.path)
        lease, lease_error = None, ""
        leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        try:
            lease = client.get(f"{leases}/{name}")
        except StatusError as error:
            lease_error = str(error)
        return describe_node(
            NodeView(
                node, lease, lease_error, self._pods_of(name), self._events_of(node)
            )
        )

    def _pods_of(self, node: str) -> list[JsonObject] | None:
        selector = f"spec.nodeName={node},status.phase!=Failed,status.phase!=Succeeded"
        query = [("fieldSelector", selector), ("limit", "500")]
        try:
            listed = self._factory.client.get("/api/v1/pods", query, accept=ACCEPT_REST)
        except StatusError as error:
            if error.reason == "Forbidden":
                return None
            raise
        return listed.get("items") or []

    def _events_of(self, node: JsonObject) -> list[JsonObject] | None:
        """Two questions: kubelets give the node's name for its uid."""
        if not self._shows_events:
            return None
        metadata = node["metadata"]
        events: list[JsonObject] = []
        for uid in (metadata.get("uid") or "", metadata["name"]):
            about = (
                f"involvedObject.kind=Node,involvedObject.name={metadata['name']},"
                f"involvedObject.namespace=,involvedObject.uid={uid}"
            )
            events += self._events(about) or []
        return events


#: Of whose events nothing is told, so that they need not be asked for.
_RBAC = "rbac.authorization.k8s.io"
_EVENTLESS = frozenset(
    {
        ("", "limitranges"),
        ("", "resourcequotas"),
        ("", "secrets"),
        (_RBAC, "clusterrolebindings"),
        (_RBAC, "clusterroles"),
        (_RBAC, "rolebindings"),
        (_RBAC, "roles"),
    }
)


def _controller_uid(obj: JsonObject) -> str | None:
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return str(owner.get("uid"))
    return None


def _about(obj: JsonObject) -> str:
    metadata = obj["metadata"]
    parts = [f"involvedObject.name={metadata.get('name')}"]
    if metadata.get("namespace"):
        parts.append(f"involvedObject.namespace={metadata['namespace']}")
    if metadata.get("uid"):
        parts.append(f"involvedObject.uid={metadata['uid']}")
    return ",".join(parts)
