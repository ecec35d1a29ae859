"""Fields of a pod that containers may read: env `fieldRef`, downwardAPI files.

Source: kubernetes/kubernetes pkg/fieldpath/fieldpath.go,
pkg/kubelet/kubelet_pods.go (podFieldSelectorRuntimeValue).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.go_text import quote
from apimachinery.meta import annotations_of, labels_of
from kubelet import pod as pods

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject

__all__ = ["PodFacts", "UnsupportedFieldError", "field_value"]

_SUBSCRIPT = re.compile(r"(metadata\.(?:labels|annotations))\['([^']*)'\]")


class UnsupportedFieldError(Exception):
    """No such field can be read from a container."""


@dataclass(frozen=True, slots=True)
class PodFacts:
    """What the kubelet knows of a pod before the API does."""

    host_ips: tuple[str, ...] = ()
    pod_ips: tuple[str, ...] = ()


def field_value(pod: JsonObject, path: str, facts: PodFacts) -> str:
    """The text of a field; maps are lines of `key="value"`.

    Raises:
        UnsupportedFieldError
    """
    if match := _SUBSCRIPT.fullmatch(path):
        values = _MAPS[match[1]](pod)
        return values.get(match[2], "")
    if path in _MAPS:
        return _lines(_MAPS[path](pod))
    if path in _FIELDS:
        return _FIELDS[path](pod, facts)
    raise UnsupportedFieldError(f"unsupported fieldPath: {path}")


def _lines(values: dict[str, str]) -> str:
    return "\n".join(f"{name}={quote(values[name])}" for name in sorted(values))


def _first(values: tuple[str, ...]) -> str:
    return values[0] if values else ""


_MAPS: dict[str, Callable[[JsonObject], dict[str, str]]] = {
    "metadata.labels": labels_of,
    "metadata.annotations": annotations_of,
}

_FIELDS: dict[str, Callable[[JsonObject, PodFacts], str]] = {
    "metadata.name": lambda pod, _: pods.name(pod),
    "metadata.namespace": lambda pod, _: pods.namespace(pod),
    "metadata.uid": lambda pod, _: pods.uid(pod),
    "spec.nodeName": lambda pod, _: pod["spec"].get("nodeName", ""),
    "spec.serviceAccountName": lambda pod, _: pod["spec"].get("serviceAccountName", ""),
    "status.hostIP": lambda _, facts: _first(facts.host_ips),
    "status.hostIPs": lambda _, facts: ",".join(facts.host_ips),
    "status.podIP": lambda _, facts: _first(facts.pod_ips),
    "status.podIPs": lambda _, facts: ",".join(facts.pod_ips),
}
