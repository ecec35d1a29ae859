"""The files of configMap, secret, downwardAPI and projected volumes.

Source: kubernetes/kubernetes pkg/volume/{configmap,secret,downwardapi,projected}/*.go.
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kubelet import pod as pods
from kubelet.field_ref import PodFacts, UnsupportedFieldError, field_value
from kubelet.resource_ref import resource_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apimachinery.types import JsonObject
    from kubelet.environment import ObjectSource

__all__ = ["File", "Payload", "PayloadSources", "VolumeError", "volume_payload"]


class VolumeError(Exception):
    """A volume cannot be set up; the text goes into the FailedMount event."""


class TokenSource(Protocol):
    async def token(self, pod: JsonObject, projection: JsonObject, /) -> str | None: ...


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    mode: int


Payload = dict[str, File]
"""Files by path relative to the volume."""


@dataclass(frozen=True, slots=True)
class PayloadSources:
    """Where contents come from."""

    objects: ObjectSource
    tokens: TokenSource
    facts: PodFacts
    allocatable: Mapping[str, str]


async def volume_payload(
    pod: JsonObject, volume: JsonObject, sources: PayloadSources
) -> Payload | None:
    """The files of a volume; None when it is of a kind that has no contents of ours.

    Raises:
        VolumeError: something it needs is missing.
    """
    reader = _Reader(pod, sources)
    for kind, read in (
        ("configMap", reader.config_map),
        ("secret", reader.secret),
        ("downwardAPI", reader.downward_api),
        ("projected", reader.projected),
    ):
        if (source := volume.get(kind)) is not None:
            mode = source.get("defaultMode")
            return await read(source, 0o644 if mode is None else mode)
    return None


class _Reader:
    def __init__(self, pod: JsonObject, sources: PayloadSources) -> None:
        self._pod = pod
        self._sources = sources

    async def config_map(self, source: JsonObject, mode: int) -> Payload:
        name = source.get("name", "")
        found = await self._sources.objects.config_map(self._namespace, name)
        if found is None:
            return _absent(source, f'configmap "{name}" not found')
        data = {key: text.encode() for key, text in (found.get("data") or {}).items()}
        data |= _decoded(found.get("binaryData"))
        return _select(data, source, mode, "references non-existent config key")

    async def secret(self, source: JsonObject, mode: int) -> Payload:
        # The volume says secretName, the projection says name.
        name = source.get("secretName") or source.get("name", "")
        found = await self._sources.objects.secret(self._namespace, name)
        if found is None:
            return _absent(source, f'secret "{name}" not found')
        data = _decoded(found.get("data"))
        return _select(data, source, mode, "references non-existent secret key")

    async def downward_api(self, source: JsonObject, mode: int) -> Payload:
        return {
            item["path"]: File(self._downward(item).encode(), item.get("mode") or mode)
            for item in source.get("items") or []
        }

    async def projected(self, source: JsonObject, mode: int) -> Payload:
        parts = await asyncio.gather(
            *(self._projection(part, mode) for part in source.get("sources") or [])
        )
        payload: Payload = {}
        for part in parts:
            payload |= part
        return payload

    async def _projection(self, part: JsonObject, mode: int) -> Payload:
        for kind, read in (
            ("configMap", self.config_map),
            ("secret", self.secret),
            ("downwardAPI", self.downward_api),
            ("serviceAccountToken", self._token),
        ):
            if (source := part.get(kind)) is not None:
                return await read(source, mode)
        kinds = ", ".join(part)
        raise VolumeError(f"projection {kinds} is not supported")

    async def _token(self, source: JsonObject, mode: int) -> Payload:
        token = await self._sources.tokens.token(self._pod, source)
        if token is None:
            return {}
        # Readable for its owner only, as the projected volume of the kubelet is.
        return {source["path"]: File(token.encode(), 0o600 if mode == 0o644 else mode)}

    def _downward(self, item: JsonObject) -> str:
        try:
            if field := item.get("fieldRef"):
                facts = self._sources.facts
                return field_value(self._pod, field["fieldPath"], facts)
            reference = item["resourceFieldRef"]
            return resource_value(self._pod, {}, reference, self._sources.allocatable)
        except UnsupportedFieldError as err:
            raise VolumeError(str(err)) from err

    @property
    def _namespace(self) -> str:
        return pods.namespace(self._pod)


def _absent(source: JsonObject, complaint: str) -> Payload:
    if source.get("optional"):
        return {}
    raise VolumeError(complaint)


def _decoded(data: JsonObject | None) -> dict[str, bytes]:
    return {key: base64.b64decode(text) for key, text in (data or {}).items()}


def _select(
    data: dict[str, bytes], source: JsonObject, mode: int, complaint: str
) -> Payload:
    """All keys, or those that `items` names, under the paths it gives them."""
    items = source.get("items")
    if not items:
        return {key: File(content, mode) for key, content in data.items()}
    payload = {}
    for item in items:
        if item["key"] in data:
            file_mode = item.get("mode")
            payload[item["path"]] = File(
                data[item["key"]], mode if file_mode is None else file_mode
            )
        elif not source.get("optional"):
            raise VolumeError(f"{complaint}: {item['key']}")
    return payload
