"""Containers of a pod: names, images, ports, environment, mounts, probes.

Source: kubernetes/kubernetes pkg/apis/core/validation/validation.go
(validateContainers, validateContainerCommon and what they call).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from apimachinery.field_errors import (
    FieldError,
    Path,
    duplicate,
    forbidden,
    invalid,
    not_found,
    required,
)
from apimachinery.validation import names
from apimachinery.validation.collect import (
    checked,
    one_of,
    required_name,
)
from apimachinery.validation.probes import container_probes, lifecycle
from apimachinery.validation.resources import container_resources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject

__all__ = ["PodNames", "container", "containers", "init_containers"]

_PULL_POLICIES: Final = ("Always", "IfNotPresent", "Never")
_PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
_MESSAGE_POLICIES: Final = ("FallbackToLogsOnError", "File")
_SOURCES: Final = (
    "fieldRef",
    "resourceFieldRef",
    "configMapKeyRef",
    "secretKeyRef",
    "fileKeyRef",
)


@dataclass(slots=True)
class PodNames:
    """What parts of a pod know of each other while it is checked."""

    volumes: frozenset[str] = frozenset()
    host_network: bool = False
    containers: set[str] = field(default_factory=set)
    host_ports: set[tuple[str, str, int]] = field(default_factory=set)


def containers(
    items: list[JsonObject], path: Path, pod: PodNames
) -> Iterator[FieldError]:
    """The regular containers; at least one is required."""
    if not items:
        yield required(path)
    for position, item in enumerate(items):
        at = path.index(position)
        yield from container(item, at, pod)
        yield from container_probes(item, at)
        yield from lifecycle(item.get("lifecycle"), at.child("lifecycle"))
    yield from _host_port_conflicts(items, path, pod)


def init_containers(
    items: list[JsonObject], path: Path, pod: PodNames
) -> Iterator[FieldError]:
    """Init containers; only those that restart may have probes and hooks."""
    for position, item in enumerate(items):
        at = path.index(position)
        yield from container(item, at, pod)
        sidecar = item.get("restartPolicy") == "Always"
        if item.get("restartPolicy") not in (None, "Always", "Never", "OnFailure"):
            yield from one_of(
                at.child("restartPolicy"), item["restartPolicy"], ("Always",)
            )
        if sidecar:
            yield from container_probes(item, at)
            yield from lifecycle(item.get("lifecycle"), at.child("lifecycle"))
            continue
        for member in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
            if item.get(member) is not None:
                yield forbidden(
                    at.child(member),
                    "may not be set for init containers without restartPolicy=Always",
                )


def container(item: JsonObject, path: Path, pod: PodNames) -> Iterator[FieldError]:
    """What every kind of container obeys."""
    name = item.get("name") or ""
    yield from required_name(path.child("name"), name, names.dns1123_label)
    if name and name in pod.containers:
        yield duplicate(path.child("name"), name)
    pod.containers.add(name)
    yield from _image(item.get("image") or "", path.child("image"))
    policy = item.get("terminationMessagePolicy")
    at = path.child("terminationMessagePolicy")
    yield from one_of(at, policy, _MESSAGE_POLICIES, optional=True)
    yield from _ports(item.get("ports") or [], path.child("ports"))
    yield from environment(item.get("env") or [], path.child("env"))
    yield from _env_from(item.get("envFrom") or [], path.child("envFrom"))
    yield from _mounts(item.get("volumeMounts") or [], path.child("volumeMounts"), pod)
    at = path.child("imagePullPolicy")
    yield from one_of(at, item.get("imagePullPolicy"), _PULL_POLICIES, optional=True)
    yield from container_resources(item.get("resources") or {}, path.child("resources"))


def _image(image: str, path: Path) -> Iterator[FieldError]:
    if not image:
        yield required(path)
    elif image != image.strip():
        yield invalid(path, image, "must not have leading or trailing whitespace")


def _ports(items: list[JsonObject], path: Path) -> Iterator[FieldError]:
    seen: set[str] = set()
    for position, port in enumerate(items):
        at = path.index(position)
        name = port.get("name") or ""
        if name:
            complaints = names.port_name(name)
            for complaint in complaints:
                yield invalid(at.child("name"), name, complaint)
            if not complaints and name in seen:
                yield duplicate(at.child("name"), name)
            seen.add(name)
        number = port.get("containerPort") or 0
        if not number:
            yield required(at.child("containerPort"))
        else:
            yield from _number(at.child("containerPort"), number)
        if port.get("hostPort"):
            yield from _number(at.child("hostPort"), port["hostPort"])
        yield from one_of(at.child("protocol"), port.get("protocol"), _PROTOCOLS)


def _number(path: Path, number: int) -> Iterator[FieldError]:
    for complaint in names.port_number(number):
        yield invalid(path, number, complaint)


def _host_port_conflicts(
    items: list[JsonObject], path: Path, pod: PodNames
) -> Iterator[FieldError]:
    for position, item in enumerate(items):
        for index, port in enumerate(item.get("ports") or []):
            at = path.index(position).child("ports").index(index)
            host_port, number = port.get("hostPort"), port.get("containerPort")
            if not host_port:
                continue
            if pod.host_network and host_port != number:
                yield invalid(
                    at.child("hostPort"),
                    host_port,
                    "must match `containerPort` when `hostNetwork` is true",
                )
            key = (port.get("protocol") or "", port.get("hostIP") or "", host_port)
            if key in pod.host_ports:
                text = f"{key[0]}/{key[1]}/{key[2]}"
                yield duplicate(at.child("hostPort"), text)
            pod.host_ports.add(key)


def environment(items: list[JsonObject], path: Path) -> Iterator[FieldError]:
    for position, item in enumerate(items):
        at = path.index(position)
        name = item.get("name") or ""
        if not name:
            yield required(at.child("name"))
        else:
            yield from checked(at.child("name"), name, names.env_var_name)
        source = item.get("valueFrom")
        if source is not None:
            yield from _value_from(source, item, at.child("valueFrom"))


def _value_from(
    source: JsonObject, item: JsonObject, path: Path
) -> Iterator[FieldError]:
    given = [name for name in _SOURCES if source.get(name) is not None]
    if not given:
        names_text = (
            "`fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        )
        yield invalid(path, "", f"must specify one of: {names_text}")
    elif item.get("value"):
        yield invalid(path, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        yield invalid(path, "", "may not have more than one field specified at a time")
    if source.get("fieldRef") is not None:
        yield from _field_ref(source["fieldRef"], path.child("fieldRef"))
    for member in ("configMapKeyRef", "secretKeyRef"):
        if source.get(member) is not None:
            yield from _key_ref(source[member], path.child(member))
    if source.get("resourceFieldRef") is not None:
        reference = source["resourceFieldRef"]
        if not reference.get("resource"):
            yield required(path.child("resourceFieldRef", "resource"))


_FIELD_PATHS: Final = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)


def _field_ref(reference: JsonObject, path: Path) -> Iterator[FieldError]:
    if not reference.get("apiVersion"):
        yield required(path.child("apiVersion"))
        return
    text = reference.get("fieldPath") or ""
    at = path.child("fieldPath")
    if not text:
        yield required(at)
    elif text.startswith(("metadata.labels[", "metadata.annotations[")):
        return
    elif text not in _FIELD_PATHS:
        root = text.partition(".")[0]
        if root in ("metadata", "spec", "status"):
            yield from one_of(at, text, _FIELD_PATHS)
        else:
            yield invalid(
                at,
                text,
                f"error converting fieldPath: field label not supported: {text}",
            )


def _key_ref(reference: JsonObject, path: Path) -> Iterator[FieldError]:
    if not reference.get("name"):
        yield required(path.child("name"))
    if not reference.get("key"):
        yield required(path.child("key"))
    else:
        yield from checked(path.child("key"), reference["key"], names.config_map_key)


def _env_from(items: list[JsonObject], path: Path) -> Iterator[FieldError]:
    for position, item in enumerate(items):
        at = path.index(position)
        if item.get("prefix"):
            yield from checked(at.child("prefix"), item["prefix"], names.env_var_name)
        given = [m for m in ("configMapRef", "secretRef") if item.get(m) is not None]
        for member in given:
            if not item[member].get("name"):
                yield required(at.child(member, "name"))
        if not given:
            yield invalid(at, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(given) > 1:
            yield invalid(
                at, "", "may not have more than one field specified at a time"
            )


def _mounts(items: list[JsonObject], path: Path, pod: PodNames) -> Iterator[FieldError]:
    seen: set[str] = set()
    for position, mount in enumerate(items):
        at = path.index(position)
        name, where = mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            yield required(at.child("name"))
        elif name not in pod.volumes:
            yield not_found(at.child("name"), name)
        if not where:
            yield required(at.child("mountPath"))
        elif where in seen:
            yield invalid(at.child("mountPath"), where, "must be unique")
        seen.add(where)
        if mount.get("subPath") and mount.get("subPathExpr"):
            text = "subPathExpr and subPath are mutually exclusive"
            yield invalid(at.child("subPathExpr"), mount["subPathExpr"], text)
        yield from _relative(at.child("subPath"), mount.get("subPath") or "")
        yield from _relative(at.child("subPathExpr"), mount.get("subPathExpr") or "")


def _relative(path: Path, text: str) -> Iterator[FieldError]:
    if text.startswith("/"):
        yield invalid(path, text, "must be a relative path")
    if ".." in text.split("/"):
        yield invalid(path, text, "must not contain '..'")
