"""Where the value of an environment variable comes from, and what it is.

Source: kubernetes/kubectl pkg/cmd/set/env/env_resolve.go.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from apimachinery.go_text import quote
from apimachinery.quantity import Quantity
from kubectl_cli.errors import CommandError

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory

__all__ = ["ValueReader", "reference_text"]

_SUBSCRIPT = re.compile(r"(.+?)\['(.*)'\]", re.DOTALL)


def reference_text(source: JsonObject) -> str:
    """`secret login, key password`: a valueFrom in words."""
    if ref := source.get("configMapKeyRef"):
        return f"configmap {ref.get('name')}, key {ref.get('key')}"
    if ref := source.get("secretKeyRef"):
        return f"secret {ref.get('name')}, key {ref.get('key')}"
    if ref := source.get("fieldRef"):
        return f"field path {ref.get('fieldPath')}"
    if ref := source.get("resourceFieldRef"):
        container = ref.get("containerName")
        return f"resource field {f'{container}/' if container else ''}{ref['resource']}"
    return "invalid valueFrom"


class ValueReader:
    """Looks values up for the variables of one object."""

    def __init__(self, factory: Factory, obj: JsonObject) -> None:
        self._factory = factory
        self._object = obj
        self._data: dict[tuple[str, str], JsonObject] = {}

    def read(self, source: JsonObject, container: JsonObject) -> str:
        """The value that a valueFrom stands for.

        Raises:
            CommandError, StatusError: there is none.
        """
        if ref := source.get("secretKeyRef"):
            import base64

            return base64.b64decode(self._key("secret", ref)).decode(errors="replace")
        if ref := source.get("configMapKeyRef"):
            return self._key("config map", ref)
        if ref := source.get("fieldRef"):
            return self._field(str(ref.get("fieldPath")))
        if ref := source.get("resourceFieldRef"):
            return _amount(ref, container.get("resources") or {})
        raise CommandError("invalid valueFrom")

    def _key(self, kind: str, ref: JsonObject) -> str:
        name, key = ref.get("name") or "", ref.get("key")
        resource = kind.replace(" ", "") + "s"
        if (resource, name) not in self._data:
            path = f"/api/v1/namespaces/{self._factory.namespace}/{resource}/{name}"
            found = self._factory.client.get(path)
            self._data[resource, name] = found.get("data") or {}
        data = self._data[resource, name]
        if key not in data:
            raise CommandError(f"key {key} not found in {kind} {name}")
        return str(data[key])

    def _field(self, path: str) -> str:
        metadata = self._object["metadata"]
        if match := _SUBSCRIPT.fullmatch(path):
            field = match[1].removeprefix("metadata.")
            if field not in ("annotations", "labels") or field == match[1]:
                raise CommandError(
                    f"fieldPath {quote(path)} does not support subscript"
                )
            return str((metadata.get(field) or {}).get(match[2], ""))
        field = path.removeprefix("metadata.")
        if path in ("metadata.annotations", "metadata.labels"):
            pairs = sorted((metadata.get(field) or {}).items())
            return "\n".join(f"{key}={quote(value)}" for key, value in pairs)
        if path in ("metadata.name", "metadata.namespace", "metadata.uid"):
            return str(metadata.get(field) or "")
        raise CommandError(f"unsupported fieldPath: {path}")


def _amount(ref: JsonObject, resources: JsonObject) -> str:
    """A request or limit as a multiple of the divisor, rounded up."""
    kind, _, name = str(ref.get("resource")).partition(".")
    known = name in ("cpu", "memory", "ephemeral-storage")
    if kind not in ("limits", "requests") or not (
        known or name.startswith("hugepages-")
    ):
        raise CommandError(f"Unsupported container resource : {ref.get('resource')}")
    amount = Quantity.parse((resources.get(kind) or {}).get(name, "0"))
    divisor = Quantity.parse(ref.get("divisor") or "0")
    if not divisor.amount:
        divisor = Quantity.parse("1")
    if name == "cpu":
        return str(-(-amount.milli_value() // divisor.milli_value()))
    return str(-(-amount.value() // divisor.value()))
