"""A pod, described.

Source: kubernetes/kubectl pkg/describe/describe.go describePod.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.clock import age
from kubectl_cli.describe.containers import describe_containers, describe_resources
from kubectl_cli.describe.volumes import describe_volumes
from kubectl_cli.describe.writer import Description, date

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["describe_pod", "describe_spread", "describe_tolerations"]


def describe_pod(pod: JsonObject, events: list[JsonObject] | None) -> str:
    """The whole text, with the events when they are to be shown."""
    out = Description()
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    _identity(out, pod, spec, status)
    _status(out, pod, spec, status)
    _containers(out, pod, spec, status)
    _conditions(out, spec, status)
    describe_volumes(out, spec.get("volumes") or [])
    out.line(f"QoS Class:\t{status.get('qosClass') or ''}")
    out.labels("Node-Selectors", spec.get("nodeSelector"))
    describe_tolerations(out, "Tolerations", spec)
    describe_spread(out, spec)
    out.events(events)
    return out.render()


def _identity(
    out: Description, pod: JsonObject, spec: JsonObject, status: JsonObject
) -> None:
    metadata = pod["metadata"]
    out.line(f"Name:\t{metadata['name']}")
    out.line(f"Namespace:\t{metadata['namespace']}")
    if spec.get("priority") is not None:
        out.line(f"Priority:\t{spec['priority']}")
    for title, key in (
        ("Priority Class Name", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
        ("Service Account", "serviceAccountName"),
    ):
        if spec.get(key):
            out.line(f"{title}:\t{spec[key]}")
    node = spec.get("nodeName")
    where = f"{node}/{status.get('hostIP') or ''}" if node else "<none>"
    out.line(f"Node:\t{where}")
    if status.get("startTime"):
        out.line(f"Start Time:\t{date(status['startTime'])}")
    out.labels("Labels", metadata.get("labels"))
    out.annotations(metadata.get("annotations"))


def _status(
    out: Description, pod: JsonObject, spec: JsonObject, status: JsonObject
) -> None:
    metadata = pod["metadata"]
    phase = status.get("phase") or ""
    if metadata.get("deletionTimestamp") and phase not in ("Failed", "Succeeded"):
        since = age(metadata["deletionTimestamp"])
        out.line(f"Status:\tTerminating (lasts {since})")
        grace = metadata.get("deletionGracePeriodSeconds") or 0
        out.line(f"Termination Grace Period:\t{grace}s")
    else:
        out.line(f"Status:\t{phase}")
    for title, key in (("Reason", "reason"), ("Message", "message")):
        if status.get(key):
            out.line(f"{title}:\t{status[key]}")
    profile = (spec.get("securityContext") or {}).get("seccompProfile")
    if profile:
        out.line(f"SeccompProfile:\t{profile.get('type')}")
        if profile.get("type") == "Localhost":
            out.line(f"LocalhostProfile:\t{profile.get('localhostProfile')}")
    out.line(f"IP:\t{status.get('podIP') or ''}")
    addresses = status.get("podIPs") or ()
    out.line("IPs:" if addresses else "IPs:\t<none>")
    for each in addresses:
        out.line(f"IP:\t{each.get('ip')}", 1)
    out.controller(metadata)
    if status.get("nominatedNodeName"):
        out.line(f"NominatedNodeName:\t{status['nominatedNodeName']}")
    if spec.get("resources"):
        out.line("Resources:")
        describe_resources(out, spec["resources"], 1)


def _containers(
    out: Description, pod: JsonObject, spec: JsonObject, status: JsonObject
) -> None:
    if spec.get("initContainers"):
        statuses = status.get("initContainerStatuses")
        describe_containers(
            out, "Init Containers", spec["initContainers"], statuses, pod
        )
    statuses = status.get("containerStatuses")
    describe_containers(out, "Containers", spec.get("containers") or [], statuses, pod)
    if spec.get("ephemeralContainers"):
        statuses = status.get("ephemeralContainerStatuses")
        describe_containers(
            out, "Ephemeral Containers", spec["ephemeralContainers"], statuses, pod
        )


def _conditions(out: Description, spec: JsonObject, status: JsonObject) -> None:
    conditions = status.get("conditions") or ()
    by_type = {each["type"]: each["status"] for each in conditions}
    if spec.get("readinessGates"):
        out.line("Readiness Gates:")
        out.line("Type\tStatus", 1)
        for gate in spec["readinessGates"]:
            name = gate["conditionType"]
            out.line(f"{name} \t{by_type.get(name, '<none>')} ", 1)
    if conditions:
        out.line("Conditions:")
        out.line("Type\tStatus", 1)
        for each in conditions:
            out.line(f"{each['type']} \t{each['status']} ", 1)


def describe_tolerations(out: Description, title: str, spec: JsonObject) -> None:
    """The tolerations of a pod or a template, by key."""
    tolerations = sorted(
        spec.get("tolerations") or (), key=lambda each: str(each.get("key") or "")
    )
    out.listed(title, map(_toleration, tolerations))


def _toleration(toleration: JsonObject) -> str:
    text = str(toleration.get("key") or "")
    if toleration.get("value"):
        text += f"={toleration['value']}"
    if toleration.get("effect"):
        text += f":{toleration['effect']}"
    if toleration.get("operator") == "Exists" and not toleration.get("value"):
        text += " op=Exists" if text else "op=Exists"
    if toleration.get("tolerationSeconds") is not None:
        text += f" for {toleration['tolerationSeconds']}s"
    return text


def describe_spread(out: Description, spec: JsonObject, indent: str = "") -> None:
    """The topology spread constraints of a pod or a template, when it has some."""
    constraints = spec.get("topologySpreadConstraints") or ()
    if not constraints:
        return
    shown = []
    for each in sorted(constraints, key=lambda each: str(each["topologyKey"])):
        text = (
            f"{each['topologyKey']}:{each.get('whenUnsatisfiable')}"
            f" when max skew {each.get('maxSkew')} is exceeded"
        )
        if each.get("labelSelector"):
            from kubectl_cli.selecting.pods import format_selector

            text += f" for selector {format_selector(each['labelSelector'])}"
        shown.append(text)
    out.listed(f"{indent}Topology Spread Constraints", shown)
