"""What the cluster and the kubeconfig have, as words to choose from.

Source: kubernetes/kubectl pkg/util/completion/completion.go, pkg/cmd/cp/cp.go.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kubectl_cli.completing.found import Directive, Found

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory

__all__ = [
    "containers",
    "copied",
    "names",
    "pods",
    "ports",
    "stanzas",
    "types",
]

#: Those that are pods or have some.
_WITH_PODS = (
    "daemonsets",
    "deployments",
    "pods",
    "jobs",
    "replicasets",
    "replicationcontrollers",
    "services",
    "statefulsets",
)
_PATIENCE = 0.1  # seconds to wait for a pod of an object: somebody is typing


def names(factory: Factory, types: str, namespace: str = "") -> list[str]:
    """The names of all objects of these types, which may be several with commas."""
    namespace = namespace or factory.namespace
    paths = [factory.mapper.resolve(each).path(namespace) for each in types.split(",")]
    return [
        str(item["metadata"]["name"])
        for path in paths
        for item in factory.client.get(path).get("items") or ()
    ]


def types(factory: Factory) -> list[str]:
    """The types that can be got."""
    found = {
        (each.group, each.name): each.full_name
        for each in factory.mapper.discovered()
        if "get" in each.verbs
    }
    return [found[key] for key in sorted(found)]


def stanzas(factory: Factory, section: str) -> list[str]:
    """The contexts, clusters or users of the kubeconfig."""
    return sorted(getattr(factory.kubeconfig, section))


def pods(factory: Factory, typed: str) -> Found:
    """Pods, and types of which a pod can be found."""
    kind, slash, name = typed.partition("/")
    if slash:
        words = [f"{kind}/{n}" for n in names(factory, kind) if n.startswith(name)]
        return Found(words, Directive.NO_FILE_COMP)
    words = [each for each in names(factory, "pods") if each.startswith(typed)]
    directive = Directive.NO_FILE_COMP
    if not words:
        directive |= Directive.NO_SPACE
    words += [f"{each}/" for each in _WITH_PODS if each.startswith(typed)]
    return Found(words, directive)


def containers(factory: Factory, name: str) -> list[str]:
    """The containers of a pod, or of a pod of TYPE/NAME."""
    spec = _pod(factory, name)["spec"]
    lists: list[JsonObject] = [
        *(spec.get("initContainers") or ()),
        *(spec.get("containers") or ()),
    ]
    return [str(each["name"]) for each in lists]


def ports(factory: Factory, name: str) -> list[int]:
    """The ports of a service or of a pod's containers."""
    from kubectl_cli.selecting.pods import object_and_pod

    kind, slash, own = name.partition("/")
    if slash and kind in ("service", "services", "svc"):
        path = factory.mapper.resolve(kind).path(factory.namespace, own)
        spec: Any = factory.client.get(path)["spec"]
        return [port["port"] for port in spec.get("ports") or ()]
    _, pod = object_and_pod(factory, name, _PATIENCE)
    return [
        port["containerPort"]
        for container in pod["spec"].get("containers") or ()
        for port in container.get("ports") or ()
    ]


def _pod(factory: Factory, name: str) -> JsonObject:
    from kubectl_cli.selecting.pods import object_and_pod

    return object_and_pod(factory, name, _PATIENCE)[1]


def copied(factory: Factory, typed: str) -> list[str]:
    """Pods as `cp` names them, and files where there might be either."""
    namespace, slash, _ = typed.partition("/")
    if typed[:1] in ("/", ".", "~") or ":" in typed:
        return []
    if slash:
        found = [f"{namespace}/{n}:" for n in names(factory, "pods", namespace)]
        return [each for each in found if each.startswith(typed)]
    found = [f"{each}/" for each in names(factory, "namespaces")]
    found += [f"{each}:" for each in names(factory, "pods")]
    if not typed:
        return [*found, "./", "/"]
    found = [each for each in found if each.startswith(typed)]
    return found + _files(typed) if found else []


def _files(typed: str) -> list[str]:
    return [
        f"{entry.name}/" if entry.is_dir() else entry.name
        for entry in sorted(os.scandir("."), key=lambda each: each.name)
        if entry.name.startswith(typed)
    ]
