"""The description of one object, with what else it tells of.

Source: kubernetes/kubectl pkg/describe/describe.go: the Describe methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.client.rest import ACCEPT_REST
from kubectl_cli.describe.registry import OWNED, describer_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.selecting.selected import Selected

__all__ = ["ObjectDescriber"]

_MIRROR = "kubernetes.io/config.mirror"
_RBAC = "rbac.authorization.k8s.io"
#: Of whose events nothing is told, so that they need not be asked for.
_EVENTLESS = frozenset(
    {
        ("", "limitranges"),
        ("", "resourcequotas"),
        ("", "secrets"),
        ("networking.k8s.io", "networkpolicies"),
        (_RBAC, "clusterrolebindings"),
        (_RBAC, "clusterroles"),
        (_RBAC, "rolebindings"),
        (_RBAC, "roles"),
    }
)


class ObjectDescriber:
    """Describes objects of any kind; asks the server for what belongs to them."""

    def __init__(self, factory: Factory) -> None:
        self._factory = factory
        self.shows_events = True
        #: Those whose description tells of other objects, too.
        self._special: dict[tuple[str, str], Callable[[Selected], str]] = {
            ("", "namespaces"): self._namespace,
            ("", "nodes"): self._node,
            ("", "persistentvolumeclaims"): self._claim,
            ("", "pods"): self._pod,
            ("", "services"): self._service,
            ("networking.k8s.io", "ingresses"): self._ingress,
        }

    def describe(self, found: Selected) -> str:
        """The whole text."""
        key = (found.resource.group, found.resource.name)
        if special := self._special.get(key):
            return special(found)
        if key in OWNED:
            return self._workload(found, *OWNED[key])
        from kubectl_cli.describe.generic import describe_object

        describe = describer_of(*key) or describe_object
        events = None if key in _EVENTLESS else self._events(_about(found.object))
        return str(describe(found.object, events))

    def _workload(self, found: Selected, root: str, owned: str) -> str:
        from kubectl_cli.describe.workload import WorkloadView
        from kubectl_cli.selecting.pods import selector_of

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

    def _pod(self, found: Selected) -> str:
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

    def _service(self, found: Selected) -> str:
        from kubectl_cli.describe.service import describe_service

        service, namespace = self._factory.client.get(found.path), found.namespace
        slices = self._slices(namespace, found.name)
        about = f"{_about(service)},involvedObject.kind=Service"
        return describe_service(service, slices, self._events(about, namespace))

    def _slices(self, namespace: str, service: str) -> list[JsonObject]:
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        label = f"kubernetes.io/service-name={service}"
        return self._found_at(path, [("labelSelector", label)]) or []

    def _ingress(self, found: Selected) -> str:
        from kubectl_cli.describe.network import describe_ingress
        from kubectl_cli.describe.service import format_endpoints

        namespace = found.namespace

        def endpoints(wanted: JsonObject) -> str:
            path = f"/api/v1/namespaces/{namespace}/services/{wanted['name']}"
            try:
                service = self._factory.client.get(path)
            except StatusError as error:
                return f"<error: {error}>"
            port = wanted.get("port") or {}
            names = [
                each.get("name") or ""
                for each in (service.get("spec") or {}).get("ports") or ()
                if each["port"] == port.get("number")
                or (each.get("name") and each["name"] == port.get("name"))
            ]
            slices = self._slices(namespace, wanted["name"])
            return format_endpoints(names[-1] if names else "", slices)

        events = self._events(_about(found.object))
        return describe_ingress(found.object, endpoints, events)

    def _claim(self, found: Selected) -> str:
        from kubectl_cli.describe.claim import describe_claim

        path = f"/api/v1/namespaces/{found.namespace}/pods"
        pods = self._found_at(path, [("limit", "500")]) or []
        return describe_claim(found.object, pods, self._events(_about(found.object)))

    def _namespace(self, found: Selected) -> str:
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
        if not self.shows_events:
            return None
        where = f"namespaces/{namespace}/" if namespace else ""
        query = [("fieldSelector", about), ("limit", "500")]
        try:
            listed = self._factory.client.get(f"/api/v1/{where}events", query)
        except StatusError:
            return None
        return listed.get("items") or []

    def _node(self, found: Selected) -> str:
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
        if not self.shows_events:
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
