"""The environment of a container, before the image adds its own.

Source: kubernetes/kubernetes pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kubelet import pod as pods
from kubelet.expansion import expand
from kubelet.field_ref import PodFacts, field_value
from kubelet.resource_ref import resource_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apimachinery.types import JsonObject

__all__ = [
    "Environment",
    "ObjectSource",
    "VariableError",
    "make_environment",
]


class VariableError(Exception):
    """A variable cannot be made: the container waits in CreateContainerConfigError."""


class ObjectSource(Protocol):
    """ConfigMaps and Secrets by name; None where there is no such object."""

    async def config_map(self, namespace: str, name: str, /) -> JsonObject | None: ...
    async def secret(self, namespace: str, name: str, /) -> JsonObject | None: ...


@dataclass(frozen=True, slots=True)
class Environment:
    """Variables in order, and the names envFrom had to leave out, by source."""

    variables: dict[str, str]
    skipped: tuple[tuple[str, tuple[str, ...]], ...] = ()


async def make_environment(
    pod: JsonObject,
    container: JsonObject,
    facts: PodFacts,
    services: Mapping[str, str],
    objects: ObjectSource,
    allocatable: Mapping[str, str],
) -> Environment:
    """Resolve envFrom, then env, then add the services' variables below both.

    Raises:
        VariableError: what is referred to does not exist.
    """
    maker = _Maker(pod, container, facts, services, objects, allocatable)
    for source in container.get("envFrom") or []:
        await maker.add_source(source)
    for variable in container.get("env") or []:
        await maker.add_variable(variable)
    for name, value in services.items():
        maker.variables.setdefault(name, value)
    return Environment(maker.variables, tuple(maker.skipped))


class _Maker:
    def __init__(
        self,
        pod: JsonObject,
        container: JsonObject,
        facts: PodFacts,
        services: Mapping[str, str],
        objects: ObjectSource,
        allocatable: Mapping[str, str],
    ) -> None:
        self._pod = pod
        self._container = container
        self._facts = facts
        self._services = services
        self._objects = objects
        self._allocatable = allocatable
        self.variables: dict[str, str] = {}
        self.skipped: list[tuple[str, tuple[str, ...]]] = []

    async def add_source(self, source: JsonObject) -> None:
        for kind in ("configMapRef", "secretRef"):
            reference = source.get(kind)
            if not reference:
                continue
            data = await self._data(kind.removesuffix("Ref"), reference)
            invalid = []
            for key in sorted(data):
                name = source.get("prefix", "") + key
                if _is_variable_name(name):
                    self.variables[name] = data[key]
                else:
                    invalid.append(name)
            if invalid:
                noun = _NOUNS[kind.removesuffix("Ref")]
                where = f"{noun} {pods.namespace(self._pod)}/{reference['name']}"
                self.skipped.append((where, tuple(invalid)))

    async def add_variable(self, variable: JsonObject) -> None:
        if variable.get("value"):
            value = expand(variable["value"], self.variables, self._services)
        elif source := variable.get("valueFrom"):
            found = await self._value_from(source)
            if found is None:
                return
            value = found
        else:
            value = ""
        self.variables[variable["name"]] = value

    async def _value_from(self, source: JsonObject) -> str | None:
        if reference := source.get("fieldRef"):
            return field_value(self._pod, reference["fieldPath"], self._facts)
        if reference := source.get("resourceFieldRef"):
            return resource_value(
                self._pod, self._container, reference, self._allocatable
            )
        for kind in ("configMap", "secret"):
            if reference := source.get(f"{kind}KeyRef"):
                return await self._key(kind, reference)
        return None

    async def _key(self, kind: str, reference: JsonObject) -> str | None:
        data = await self._data(kind, reference)
        key = reference["key"]
        if key in data:
            return data[key]
        if reference.get("optional"):
            return None
        noun, where = _NOUNS[kind], f"{pods.namespace(self._pod)}/{reference['name']}"
        raise VariableError(f"couldn't find key {key} in {noun} {where}")

    async def _data(self, kind: str, reference: JsonObject) -> dict[str, str]:
        namespace = pods.namespace(self._pod)
        load = self._objects.config_map if kind == "configMap" else self._objects.secret
        found = await load(namespace, reference["name"])
        if found is not None:
            return _text_data(found, encoded=kind == "secret")
        if reference.get("optional"):
            return {}
        raise VariableError(f'{kind.lower()} "{reference["name"]}" not found')


_NOUNS = {"configMap": "ConfigMap", "secret": "Secret"}


def _text_data(obj: JsonObject, *, encoded: bool) -> dict[str, str]:
    data: dict[str, str] = obj.get("data") or {}
    if not encoded:
        return data
    return {
        key: base64.b64decode(value).decode("utf-8", "surrogateescape")
        for key, value in data.items()
    }


def _is_variable_name(name: str) -> bool:
    # Relaxed since 1.30: printable ASCII without the equals sign.
    return bool(name) and name.isascii() and name.isprintable() and "=" not in name
