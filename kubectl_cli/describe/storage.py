"""Persistent volumes and storage classes, described.

Source: kubernetes/kubectl pkg/describe/describe.go (describePersistentVolume,
describeStorageClass). Of sources, those that are not a cloud's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.describe.claim import access_modes, storage_class_and_phase
from kubectl_cli.describe.writer import Description, go_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.types import JsonObject

__all__ = ["describe_storage_class", "describe_volume"]

_DEFAULT = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
#: What a source is, and its fields: title, key, value where there is none.
_SOURCES = {
    "hostPath": (
        "HostPath (bare host directory volume)",
        (("Path", "path", ""), ("HostPathType", "type", "<none>")),
    ),
    "nfs": (
        "NFS (an NFS mount that lasts the lifetime of a pod)",
        (
            ("Server", "server", ""),
            ("Path", "path", ""),
            ("ReadOnly", "readOnly", False),
        ),
    ),
    "local": (
        "LocalVolume (a persistent volume backed by local storage on a node)",
        (("Path", "path", ""),),
    ),
    "csi": (
        "CSI (a Container Storage Interface (CSI) volume source)",
        (
            ("Driver", "driver", ""),
            ("FSType", "fsType", ""),
            ("VolumeHandle", "volumeHandle", ""),
            ("ReadOnly", "readOnly", False),
        ),
    ),
}


def describe_volume(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """Where the volume is, and who has it."""
    out, spec, metadata = Description(), obj.get("spec") or {}, obj["metadata"]
    status = obj.get("status") or {}
    out.line(f"Name:\t{metadata['name']}")
    out.labels("Labels", metadata.get("labels"))
    out.annotations(metadata.get("annotations"))
    out.line(f"Finalizers:\t{go_list(metadata.get('finalizers') or ())}")
    storage_class_and_phase(out, obj)
    claim = spec.get("claimRef")
    named = f"{claim.get('namespace')}/{claim.get('name')}" if claim else ""
    out.line(f"Claim:\t{named}")
    out.line(f"Reclaim Policy:\t{spec.get('persistentVolumeReclaimPolicy') or ''}")
    out.line(f"Access Modes:\t{access_modes(spec.get('accessModes') or ())}")
    if spec.get("volumeMode"):
        out.line(f"VolumeMode:\t{spec['volumeMode']}")
    out.line(f"Capacity:\t{(spec.get('capacity') or {}).get('storage', '0')}")
    _affinity(out, (spec.get("nodeAffinity") or {}).get("required"))
    out.line(f"Message:\t{status.get('message') or ''}")
    out.line("Source:")
    _source(out, spec)
    out.events(events)
    return out.render()


def _affinity(out: Description, required: JsonObject | None) -> None:
    if required is None:
        out.line("Node Affinity:\t<none>")
        return
    terms = required.get("nodeSelectorTerms") or []
    out.line("Node Affinity:\t")
    out.line(f"Required Terms:\t{'' if terms else '<none>'}", 1)
    for index, term in enumerate(terms):
        expressions = map(_expression, term.get("matchExpressions") or ())
        out.listed(f"Term {index}", expressions, 2)


def _expression(each: JsonObject) -> str:
    """`zone in [a, b]`; a term of a topology has no operator."""
    text = f"{each['key']} {str(each.get('operator', 'in')).lower()}"
    values = each.get("values")
    return f"{text} [{', '.join(values)}]" if values else text


def _source(out: Description, spec: JsonObject) -> None:
    for key, (kind, fields) in _SOURCES.items():
        source = spec.get(key)
        if source is None:
            continue
        out.line(f"Type:\t{kind}", 2)
        for title, field, otherwise in fields:
            value = source.get(field, otherwise)
            shown = str(value).lower() if isinstance(value, bool) else value
            out.line(f"{title}:\t{shown}", 2)
        if key == "csi":
            attributes = source.get("volumeAttributes") or {}
            pairs = [f"    {name}={attributes[name]}" for name in sorted(attributes)]
            out.listed("VolumeAttributes", pairs, 2)
        return
    out.line("<unknown>", 1)


def describe_storage_class(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """What makes volumes of the class, and how."""
    out, metadata = Description(), obj["metadata"]
    annotations = metadata.get("annotations") or {}
    default = any(annotations.get(name) == "true" for name in _DEFAULT)
    out.line(f"Name:\t{metadata['name']}")
    out.line(f"IsDefaultClass:\t{'Yes' if default else 'No'}")
    for line in f"Annotations:\t{_pairs(annotations)}".split("\n"):
        out.line(line)
    out.line(f"Provisioner:\t{obj.get('provisioner') or ''}")
    out.line(f"Parameters:\t{_pairs(obj.get('parameters') or {})}")
    expands = obj.get("allowVolumeExpansion")
    out.line(f"AllowVolumeExpansion:\t{'<unset>' if expands is None else expands}")
    _mount_options(out, obj.get("mountOptions") or ())
    for title, key in (
        ("ReclaimPolicy", "reclaimPolicy"),
        ("VolumeBindingMode", "volumeBindingMode"),
    ):
        if obj.get(key):
            out.line(f"{title}:\t{obj[key]}")
    topologies = obj.get("allowedTopologies")
    if topologies is not None:
        out.line(f"AllowedTopologies:\t{'' if topologies else '<none>'}")
        for index, term in enumerate(topologies):
            expressions = map(_expression, term.get("matchLabelExpressions") or ())
            out.listed(f"Term {index}", expressions, 1)
    out.events(events)
    return out.render()


def _pairs(values: dict[str, str]) -> str:
    return ",".join(f"{key}={values[key]}" for key in sorted(values)) or "<none>"


def _mount_options(out: Description, options: Iterable[str]) -> None:
    out.line("MountOptions:" if options else "MountOptions:\t<none>")
    for option in options:
        out.line(option, 1)
