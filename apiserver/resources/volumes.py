"""Persistent volumes and claims: stored and shown; nothing here binds or mounts them.

Source: kubernetes/kubernetes pkg/apis/core/v1/defaults.go and
pkg/registry/core/persistentvolume{,claim}/strategy.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.resources.cells import AGE, NAME, path, read, text
from apiserver.resources.core import ReturnsDeletedStrategy
from apiserver.resources.registry import Column, Resource, status

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["VOLUMES"]

_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


class ClaimStrategy(ReturnsDeletedStrategy):
    def default(self, obj: JsonObject) -> None:
        obj.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")

    def initial_status(self, obj: JsonObject) -> JsonObject:
        return {"phase": "Pending"}


class VolumeStrategy(ClaimStrategy):
    def default(self, obj: JsonObject) -> None:
        super().default(obj)
        obj["spec"].setdefault("persistentVolumeReclaimPolicy", "Retain")


def _access_modes(obj: JsonObject, now: float) -> str:
    modes = read(obj, "status.accessModes") or read(obj, "spec.accessModes") or ()
    return ",".join(_MODES.get(mode, mode) for mode in modes)


def _claim(obj: JsonObject, now: float) -> str:
    reference = read(obj, "spec.claimRef")
    if not reference:
        return ""
    return f"{reference.get('namespace', '')}/{reference.get('name', '')}"


_CLASSES = (
    text("StorageClass", "spec.storageClassName"),
    text("VolumeAttributesClass", "spec.volumeAttributesClassName", "", "<unset>"),
)
_MODE = Column("VolumeMode", path("spec.volumeMode", "<unset>"), wide=True)

VOLUMES = (
    Resource(
        "",
        "v1",
        "persistentvolumes",
        "PersistentVolume",
        namespaced=False,
        short_names=("pv",),
        subresources=(status(),),
        columns=(
            NAME,
            text("Capacity", "spec.capacity.storage"),
            Column("Access Modes", _access_modes),
            text("Reclaim Policy", "spec.persistentVolumeReclaimPolicy"),
            text("Status", "status.phase"),
            Column("Claim", _claim),
            *_CLASSES,
            text("Reason", "status.reason"),
            AGE,
            _MODE,
        ),
        strategy=VolumeStrategy(),
    ),
    Resource(
        "",
        "v1",
        "persistentvolumeclaims",
        "PersistentVolumeClaim",
        namespaced=True,
        short_names=("pvc",),
        subresources=(status(),),
        columns=(
            NAME,
            text("Status", "status.phase"),
            text("Volume", "spec.volumeName"),
            text("Capacity", "status.capacity.storage"),
            Column("Access Modes", _access_modes),
            *_CLASSES,
            AGE,
            _MODE,
        ),
        strategy=ClaimStrategy(),
    ),
)
