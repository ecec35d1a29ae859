"""Claims of storage, described.

Source: kubernetes/kubectl pkg/describe/describe.go (describePersistentVolumeClaim),
pkg/util/storage/storage.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.clock import age
from kubectl_cli.describe.writer import Description, date, go_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.types import JsonObject

__all__ = ["access_modes", "describe_claim", "storage_class_and_phase"]

_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"


def describe_claim(
    obj: JsonObject, pods: list[JsonObject], events: list[JsonObject] | None
) -> str:
    """The claim, and which of these pods use it."""
    out, spec, metadata = Description(), obj.get("spec") or {}, obj["metadata"]
    status = obj.get("status") or {}
    out.line(f"Name:\t{metadata['name']}")
    out.line(f"Namespace:\t{metadata.get('namespace') or ''}")
    storage_class_and_phase(out, obj)
    out.line(f"Volume:\t{spec.get('volumeName') or ''}")
    out.labels("Labels", metadata.get("labels"))
    out.annotations(metadata.get("annotations"))
    out.line(f"Finalizers:\t{go_list(metadata.get('finalizers') or ())}")
    bound = bool(spec.get("volumeName"))
    capacity = (status.get("capacity") or {}).get("storage", "0") if bound else ""
    modes = (status.get("accessModes") or ()) if bound else ()
    out.line(f"Capacity:\t{capacity}")
    out.line(f"Access Modes:\t{access_modes(modes)}")
    if spec.get("volumeMode"):
        out.line(f"VolumeMode:\t{spec['volumeMode']}")
    out.reference("DataSource", spec.get("dataSource"))
    out.listed("Used By", [pod["metadata"]["name"] for pod in _users(metadata, pods)])
    _conditions(out, status.get("conditions") or [])
    out.events(events)
    return out.render()


def access_modes(modes: Iterable[str]) -> str:
    """`RWO,ROX`, in a fixed order."""
    wanted = set(modes)
    return ",".join(short for mode, short in _MODES.items() if mode in wanted)


def _users(metadata: JsonObject, pods: list[JsonObject]) -> list[JsonObject]:
    """The pods that mount the claim, then those that own it."""
    owners = {
        owner.get("uid")
        for owner in metadata.get("ownerReferences") or ()
        if owner.get("kind") == "Pod"
    }
    mounting = [pod for pod in pods if _mounts(pod, metadata["name"])]
    owning = [pod for pod in pods if pod["metadata"].get("uid") in owners]
    return mounting + [pod for pod in owning if pod not in mounting]


def _mounts(pod: JsonObject, claim: str) -> bool:
    volumes = (pod.get("spec") or {}).get("volumes") or ()
    claims = (volume.get("persistentVolumeClaim") or {} for volume in volumes)
    return any(each.get("claimName") == claim for each in claims)


def _conditions(out: Description, conditions: list[JsonObject]) -> None:
    if not conditions:
        return
    out.line("Conditions:")
    out.line("Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage", 1)
    dashes = "-----------------\t------------------"
    out.line(f"----\t------\t{dashes}\t------\t-------", 1)
    for each in conditions:
        cells = (
            each.get("type") or "",
            each.get("status") or "",
            date(each.get("lastProbeTime")),
            date(each.get("lastTransitionTime")),
            each.get("reason") or "",
            each.get("message") or "",
        )
        out.line(" \t".join(cells), 1)


def storage_class_and_phase(out: Description, obj: JsonObject) -> None:
    """The two lines that claims and volumes have in common."""
    spec, metadata = obj.get("spec") or {}, obj["metadata"]
    annotations = metadata.get("annotations") or {}
    storage_class = annotations.get(_BETA_CLASS) or spec.get("storageClassName") or ""
    out.line(f"StorageClass:\t{storage_class}")
    phase = (obj.get("status") or {}).get("phase") or ""
    if deleted := metadata.get("deletionTimestamp"):
        phase = f"Terminating (lasts {age(deleted)})"
    out.line(f"Status:\t{phase}")
