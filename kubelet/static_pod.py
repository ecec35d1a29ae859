"""A static pod: what becomes of a manifest that the kubelet reads from a file.

Its uid is a hash of file, node and content, so that a file that was changed is another
pod; the node's name is put behind its own.

Source: kubernetes/kubernetes pkg/kubelet/config/common.go (applyDefaults,
tryDecodeSinglePod) and config.go (annotations).
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from apimachinery.field_errors import aggregate
from apimachinery.gvk import GroupVersionKind
from apimachinery.pod_defaults import default_pod_spec, qos_class
from apimachinery.serializer import body
from apimachinery.status import StatusError
from apimachinery.validation import names
from apimachinery.validation.pods import validate_pod
from kubelet import pod as pods

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["BadManifestError", "read_static_pod"]

_POD = GroupVersionKind("", "v1", "Pod")
_TOLERATES_ALL = {"operator": "Exists", "effect": "NoExecute"}
_REFERENCES = {
    "secret": "secrets",
    "configMap": "configmaps",
    "persistentVolumeClaim": "persistentvolumeclaims",
    "ephemeral": "persistentvolumeclaims",
    "projected": "serviceaccounts",
}


class BadManifestError(ValueError):
    """The file has no pod that could run; the text is for the log."""


def read_static_pod(data: bytes, file: str, node_name: str, seen: str) -> JsonObject:
    """The pod of a manifest, YAML or JSON.

    Args:
        file: the manifest's path; the same content elsewhere is another pod.
        seen: the time at which it was read first, as annotation.

    Raises:
        BadManifestError
    """
    pod = _decode(data)
    spec, metadata = pod.setdefault("spec", {}), pod.setdefault("metadata", {})
    default_pod_spec(spec)
    uid = metadata.setdefault("uid", _hash(pod, file, node_name))
    metadata["name"] = f"{metadata.get('name', '')}-{node_name}"
    metadata.setdefault("namespace", "default")
    spec["nodeName"] = node_name
    tolerations = spec.setdefault("tolerations", [])
    if _TOLERATES_ALL not in tolerations:
        tolerations.append(dict(_TOLERATES_ALL))
    annotations = metadata.setdefault("annotations", {})
    annotations[pods.CONFIG_HASH_ANNOTATION] = uid
    annotations[pods.CONFIG_SOURCE_ANNOTATION] = "file"
    annotations[pods.CONFIG_SEEN_ANNOTATION] = seen
    pod["status"] = {"phase": "Pending", "qosClass": qos_class(spec)}
    _check(pod)
    return pod


def _decode(data: bytes) -> JsonObject:
    try:
        return body.decode(data, "application/yaml", _POD).object
    except StatusError as err:
        raise _unparsed(err.message) from None


def _hash(pod: JsonObject, file: str, node_name: str) -> str:
    whole = json.dumps(pod, sort_keys=True)
    text = f"{whole}host:{node_name}file:{file}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _check(pod: JsonObject) -> None:
    wrong = names.dns1123_subdomain(pods.name(pod))
    if wrong:
        text = f"metadata.name: Invalid value: {json.dumps(pods.name(pod))}: {wrong[0]}"
        raise _unparsed(f"invalid pod: {text}")
    errors = validate_pod(pod)
    if errors:
        raise _unparsed(f"invalid pod: {aggregate(errors)}")
    reference = _reference(pod["spec"])
    if reference:
        raise _unparsed(f"static pods may not reference {reference}")


def _reference(spec: JsonObject) -> str:
    """The resource of an API object that it refers to; "" for none.

    It is to run without an API server. Source: pkg/api/v1/pod (HasAPIObjectReference).
    """
    if spec.get("serviceAccountName"):
        return "serviceaccounts"
    if spec.get("imagePullSecrets"):
        return "secrets"
    for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
        sources = [*(container.get("envFrom") or ())]
        sources += [e.get("valueFrom") or {} for e in container.get("env") or ()]
        for source in sources:
            if "secretRef" in source or "secretKeyRef" in source:
                return "secrets"
            if "configMapRef" in source or "configMapKeyRef" in source:
                return "configmaps"
    for volume in spec.get("volumes") or ():
        for kind, resource in _REFERENCES.items():
            if kind in volume:
                return resource
    return ""


def _unparsed(why: str) -> BadManifestError:
    return BadManifestError(f"couldn't parse as pod({why}), please check config file")
