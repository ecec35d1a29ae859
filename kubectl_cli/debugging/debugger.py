"""What `debug` does with each object: send what was made, wait for it, attach.

Source: kubernetes/kubectl pkg/cmd/debug/debug.go of 1.36 (Run, waitForContainer,
handleAttachPod).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apimachinery.status import StatusError, not_found
from kubectl_cli.client.rest import ACCEPT_REST, STRATEGIC_PATCH
from kubectl_cli.errors import CommandError
from kubectl_cli.selecting.containers import find_container
from kubectl_cli.selecting.resources import POD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.debugging.pods import DebugPods
    from kubectl_cli.flags import Options

__all__ = ["DebugCommand"]

_FOREVER = 7 * 24 * 3600.0
_STATUSES = (
    "initContainerStatuses",
    "containerStatuses",
    "ephemeralContainerStatuses",
)


class DebugCommand:
    """One run of `debug`."""

    def __init__(
        self, options: Options, factory: Factory, pods: DebugPods, names: list[str]
    ) -> None:
        self._options = options
        self._factory = factory
        self._pods = pods
        self._names = names
        self._attaches = options.flag("attach") or (
            options.flag("stdin") and not options.changed("attach")
        )

    def run(self) -> int:
        for obj in self._targets():
            pod, container = self._debug(obj)
            sys.stdout.flush()
            if self._attaches and container:
                self._attach(pod, container)
        return 0

    def _targets(self) -> Iterator[JsonObject]:
        """The objects of the files as they are there, then the named ones."""
        if files := self._options.items("filename"):
            from kubectl_cli.documents.manifests import read_manifests

            for manifest in read_manifests(files, self._factory):
                yield manifest.object
        for name in self._names:
            yield self._named(name)

    def _named(self, name: str) -> JsonObject:
        from kubectl_cli.selecting.missing_namespace import telling_of_namespace
        from kubectl_cli.selecting.targets import split_pair

        resource = POD
        if "/" in name:
            kind, name = split_pair(name)
            resource = self._factory.mapper.resolve(kind)
        namespace = self._factory.namespace if resource.namespaced else ""
        with telling_of_namespace(self._factory.client, namespace):
            obj = self._factory.client.get(
                resource.path(namespace, name), accept=ACCEPT_REST
            )
        return {"kind": resource.kind, "apiVersion": resource.api_version, **obj}

    def _debug(self, obj: JsonObject) -> tuple[JsonObject, str]:
        """The pod to attach to, and its container."""
        kind = (obj["apiVersion"], obj["kind"])
        if kind == ("v1", "Node"):
            pod, container = self._pods.on_node(obj["metadata"]["name"])
            return self._create(pod, self._factory.namespace), container
        if kind != ("v1", "Pod"):
            from apimachinery.go_text import quote

            version = obj["apiVersion"]
            group_version = version if "/" in version else f"/{version}"
            shown = quote(f"{group_version}, Kind={obj['kind']}")
            raise CommandError(f"{shown} not supported by debug")
        if self._options.text("copy-to"):
            return self._copy(obj)
        return self._add_ephemeral(obj)

    def _create(self, pod: JsonObject, namespace: str) -> JsonObject:
        path = POD.path(namespace)
        return self._factory.client.call("POST", path, body=pod, accept=ACCEPT_REST)

    def _copy(self, original: JsonObject) -> tuple[JsonObject, str]:
        pod, container = self._pods.copy_of(original)
        if container:
            _warn_of_user(pod, container)
        namespace = original["metadata"]["namespace"]
        created = self._create(pod, namespace)
        if self._options.flag("replace"):
            path = POD.path(namespace, original["metadata"]["name"])
            body = {
                "kind": "DeleteOptions",
                "apiVersion": "v1",
                "gracePeriodSeconds": 0,
            }
            self._factory.client.call("DELETE", path, body=body, accept=ACCEPT_REST)
        return created, container

    def _add_ephemeral(self, pod: JsonObject) -> tuple[JsonObject, str]:
        from apimachinery.schema import lookup
        from kubectl_cli.applying.three_way import strategic_patch

        changed, container = self._pods.with_ephemeral(pod)
        _warn_of_user(changed, container)
        kind = lookup("v1", "Pod")
        assert kind is not None  # noqa: S101 - built in
        patch = strategic_patch(pod, changed, pod, kind)
        metadata = pod["metadata"]
        path = POD.path(metadata["namespace"], metadata["name"], "ephemeralcontainers")
        try:
            result = self._factory.client.call(
                "PATCH",
                path,
                body=patch,
                accept=ACCEPT_REST,
                content_type=STRATEGIC_PATCH,
            )
        except StatusError as error:
            # A server without the subresource names nothing in its answer.
            details = error.status.get("details") or {}
            if error.reason != "NotFound" or details.get("name"):
                raise
            from apimachinery.go_text import quote

            raise CommandError(
                "ephemeral containers are disabled for this cluster (error from"
                f" server: {quote(error.message)})"
            ) from None
        return result, container

    def _attach(self, created: JsonObject, container: str) -> None:
        from kubectl_cli.streams.attaching import attach_or_else

        metadata = created["metadata"]
        pod, state = self._wait(metadata["namespace"], metadata["name"], container)
        if "terminated" in state:
            self._print_log(pod, container)
            return
        attach_or_else(
            self._factory,
            pod,
            container,
            self._options,
            lambda: self._print_log(pod, container),
        )

    def _wait(
        self, namespace: str, name: str, container: str
    ) -> tuple[JsonObject, JsonObject]:
        """The pod and the container's state, once it runs or has run."""
        from kubectl_cli.waiting.until import follow_object

        client = self._factory.client
        for event, pod in follow_object(client, POD.path(namespace), name, _FOREVER):
            if event == "DELETED":
                raise not_found("pods", "")
            if event == "SYNCED":
                continue
            state = _state_of(pod, container)
            if "running" in state or "terminated" in state:
                return pod, state
            message = (state.get("waiting") or {}).get("message")
            if message and not self._options.flag("quiet"):
                print(f"Warning: container {container}: {message}", file=sys.stderr)
        raise CommandError("timed out waiting for the condition")

    def _print_log(self, pod: JsonObject, container: str) -> None:
        metadata = pod["metadata"]
        path = POD.path(metadata["namespace"], metadata["name"], "log")
        query = [("container", container)]
        sys.stdout.flush()
        with self._factory.client.stream(path, query, accept=ACCEPT_REST) as log:
            for chunk in log.chunks():
                sys.stdout.buffer.write(chunk)
        sys.stdout.flush()


def _state_of(pod: JsonObject, container: str) -> JsonObject:
    """The state of the container of this name; {} before there is one."""
    status = pod.get("status") or {}
    for section in _STATUSES:
        for each in status.get(section) or ():
            if each["name"] == container:
                state: JsonObject = each.get("state") or {}
                return state
    return {}


def _warn_of_user(pod: JsonObject, container: str) -> None:
    """Capabilities are of little use to a user other than root."""
    user = (pod["spec"].get("securityContext") or {}).get("runAsUser")
    context = find_container(pod, container).get("securityContext") or {}
    if not user or context.get("runAsUser") == 0:
        return
    added = (context.get("capabilities") or {}).get("add")
    if context.get("privileged") or added:
        print(
            "Warning: Non-root user is configured for the entire target Pod, and some"
            " capabilities granted by debug profile may not work. Please consider using"
            ' "--custom" with a custom profile that specifies "securityContext.runAsUser:'
            ' 0".',
            file=sys.stderr,
        )
