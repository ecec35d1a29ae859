"""Defaults of a pod and of a pod template.

Source: kubernetes/kubernetes pkg/apis/core/v1/defaults.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject

__all__ = ["default_pod_spec", "pod_containers", "qos_class"]

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_PROBE_DEFAULTS = {
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}
_FILE_VOLUMES = ("secret", "configMap", "downwardAPI", "projected")
_FILE_MODE = 0o644
_TOKEN_LIFETIME = 3600


def pod_containers(spec: JsonObject) -> Iterator[JsonObject]:
    """Init, regular and ephemeral containers of a pod spec."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from (c for c in spec.get(field) or () if isinstance(c, dict))


def default_pod_spec(spec: JsonObject, *, template: bool = False) -> None:
    """Fill in what the client left open.

    A template keeps open what is decided only when a pod is made of it.
    """
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("securityContext", {})
    if not template:
        spec.setdefault("enableServiceLinks", True)
    for container in pod_containers(spec):
        _default_container(container, host_network=bool(spec.get("hostNetwork")))
        if not template:
            _default_requests(container)
    for volume in spec.get("volumes") or ():
        _default_volume(volume)


def _default_container(container: JsonObject, *, host_network: bool) -> None:
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    if not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = _pull_policy(str(container.get("image") or ""))
    for port in container.get("ports") or ():
        if not port.get("protocol"):
            port["protocol"] = "TCP"
        if host_network and not port.get("hostPort") and port.get("containerPort"):
            port["hostPort"] = port["containerPort"]
    for variable in container.get("env") or ():
        _default_field_ref((variable.get("valueFrom") or {}).get("fieldRef"))
    for probe in _PROBES:
        if container.get(probe):
            _default_probe(container[probe])
    for handler in (container.get("lifecycle") or {}).values():
        if isinstance(handler, dict):
            _default_http_get(handler.get("httpGet"))


def _pull_policy(image: str) -> str:
    """Always for `latest`, said or implied."""
    if "@" in image:
        return "IfNotPresent"
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _default_probe(probe: JsonObject) -> None:
    for field, value in _PROBE_DEFAULTS.items():
        if not probe.get(field):
            probe[field] = value
    _default_http_get(probe.get("httpGet"))
    if isinstance(probe.get("grpc"), dict):
        probe["grpc"].setdefault("service", "")


def _default_http_get(action: JsonObject | None) -> None:
    if action is not None:
        action.setdefault("path", "/")
        action.setdefault("scheme", "HTTP")


def _default_field_ref(reference: JsonObject | None) -> None:
    if reference is not None:
        reference.setdefault("apiVersion", "v1")


def _default_requests(container: JsonObject) -> None:
    """A limit without a request is the request, too."""
    resources = container.get("resources")
    if not isinstance(resources, dict) or not resources.get("limits"):
        return
    requests = resources.get("requests") or {}
    for name, quantity in resources["limits"].items():
        requests.setdefault(name, quantity)
    resources["requests"] = requests


def _default_volume(volume: JsonObject) -> None:
    if not any(key != "name" for key in volume):
        volume["emptyDir"] = {}
    for kind in _FILE_VOLUMES:
        if isinstance(volume.get(kind), dict):
            volume[kind].setdefault("defaultMode", _FILE_MODE)
    if isinstance(volume.get("hostPath"), dict):
        volume["hostPath"].setdefault("type", "")
    for item in (volume.get("downwardAPI") or {}).get("items") or ():
        _default_field_ref(item.get("fieldRef"))
    for source in (volume.get("projected") or {}).get("sources") or ():
        _default_projection(source)


def _default_projection(source: JsonObject) -> None:
    token = source.get("serviceAccountToken")
    if isinstance(token, dict):
        token.setdefault("expirationSeconds", _TOKEN_LIFETIME)
    for item in (source.get("downwardAPI") or {}).get("items") or ():
        _default_field_ref(item.get("fieldRef"))


def qos_class(spec: JsonObject) -> str:
    """Guaranteed, Burstable or BestEffort.

    Source: kubernetes/kubernetes pkg/apis/core/helper/qos/qos.go.
    """
    resources = [
        container.get("resources") or {}
        for field in ("initContainers", "containers")
        for container in spec.get(field) or ()
    ]
    requests = [_compute(r.get("requests")) for r in resources]
    limits = [_compute(r.get("limits")) for r in resources]
    if not any(requests) and not any(limits):
        return "BestEffort"
    guaranteed = all(
        limit.keys() == {"cpu", "memory"} and (not request or request == limit)
        for request, limit in zip(requests, limits, strict=True)
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _compute(quantities: JsonObject | None) -> JsonObject:
    """The cpu and memory that are more than zero, as written."""
    return {
        name: str(quantity)
        for name, quantity in (quantities or {}).items()
        if name in ("cpu", "memory") and str(quantity).strip("0.") != ""
    }
