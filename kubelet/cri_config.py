"""PodSandboxConfig and ContainerConfig: what the runtime is asked to make.

Labels and annotations carry all that the kubelet needs to know its containers again
after a restart.

Source: kubernetes/kubernetes pkg/kubelet/kuberuntime/{kuberuntime_sandbox,
kuberuntime_container,labels}.go.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.meta import annotations_of, labels_of
from kubelet import pod as pods
from kubelet import runtime_convert as names
from kubelet.expansion import expand
from kubelet.pod_actions import container_hash
from kubelet.security import container_security, sandbox_security
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apimachinery.types import JsonObject
    from kubelet.dns_config import DnsSettings

__all__ = ["ContainerParts", "container_config", "pod_log_directory", "sandbox_config"]

_PROTOCOLS = {"TCP": cri.TCP, "UDP": cri.UDP, "SCTP": cri.SCTP}
_MAX_HOSTNAME = 63


def pod_log_directory(root: str, pod: JsonObject) -> str:
    """`ROOT/NAMESPACE_NAME_UID`."""
    return f"{root}/{pods.namespace(pod)}_{pods.name(pod)}_{pods.uid(pod)}"


def sandbox_config(
    pod: JsonObject,
    attempt: int,
    log_root: str,
    dns: DnsSettings,
    cgroup_parent: str = "",
) -> cri.PodSandboxConfig:
    """What the sandbox shall be. Unlike kubelet: no cgroup for each pod and class."""
    labels = {
        **labels_of(pod),
        names.POD_NAME_LABEL: pods.name(pod),
        names.POD_NAMESPACE_LABEL: pods.namespace(pod),
        names.POD_UID_LABEL: pods.uid(pod),
    }
    return cri.PodSandboxConfig(
        metadata=cri.PodSandboxMetadata(
            name=pods.name(pod),
            uid=pods.uid(pod),
            namespace=pods.namespace(pod),
            attempt=attempt,
        ),
        hostname="" if pods.uses_host_network(pod) else hostname(pod),
        log_directory=pod_log_directory(log_root, pod),
        dns_config=cri.DNSConfig(
            servers=dns.servers, searches=dns.searches, options=dns.options
        ),
        port_mappings=_port_mappings(pod),
        labels=labels,
        annotations=annotations_of(pod),
        linux=cri.LinuxPodSandboxConfig(
            cgroup_parent=cgroup_parent,
            security_context=sandbox_security(pod),
            sysctls=_sysctls(pod),
        ),
    )


def hostname(pod: JsonObject) -> str:
    """The pod's name, cut as a host name must be."""
    wanted = pod["spec"].get("hostname") or pods.name(pod)
    return str(wanted)[:_MAX_HOSTNAME].rstrip("-.")


def _sysctls(pod: JsonObject) -> dict[str, str]:
    context = pod["spec"].get("securityContext") or {}
    return {s["name"]: s["value"] for s in context.get("sysctls") or []}


def _port_mappings(pod: JsonObject) -> list[cri.PortMapping]:
    return [
        cri.PortMapping(
            protocol=_PROTOCOLS[port.get("protocol") or "TCP"],
            container_port=port["containerPort"],
            host_port=port.get("hostPort", 0),
            host_ip=port.get("hostIP", ""),
        )
        for container in pods.containers(pod)
        for port in container.get("ports") or []
    ]


@dataclass(frozen=True, slots=True)
class ContainerParts:
    """What was prepared for one container before its config is written."""

    image_ref: str
    restart_count: int
    variables: Mapping[str, str]
    mounts: Sequence[cri.Mount]
    resources: cri.LinuxContainerResources
    target_id: str = ""


def container_config(
    pod: JsonObject, container: JsonObject, parts: ContainerParts
) -> cri.ContainerConfig:
    name = container["name"]
    variables = parts.variables

    def expanded(field: str) -> list[str]:
        return [expand(text, variables) for text in container.get(field) or []]

    return cri.ContainerConfig(
        metadata=cri.ContainerMetadata(name=name, attempt=parts.restart_count),
        image=cri.ImageSpec(
            image=parts.image_ref, user_specified_image=container.get("image", "")
        ),
        command=expanded("command"),
        args=expanded("args"),
        working_dir=container.get("workingDir", ""),
        envs=[
            cri.KeyValue(key=key, value=value.encode("utf-8", "surrogateescape"))
            for key, value in variables.items()
        ],
        mounts=parts.mounts,
        labels=_labels(pod, name),
        annotations=_annotations(pod, container, parts.restart_count),
        log_path=f"{name}/{parts.restart_count}.log",
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        tty=bool(container.get("tty")),
        linux=cri.LinuxContainerConfig(
            resources=parts.resources,
            security_context=container_security(pod, container, parts.target_id),
        ),
        stop_signal=_stop_signal(container),
    )


def _labels(pod: JsonObject, container_name: str) -> dict[str, str]:
    return {
        names.CONTAINER_NAME_LABEL: container_name,
        names.POD_NAME_LABEL: pods.name(pod),
        names.POD_NAMESPACE_LABEL: pods.namespace(pod),
        names.POD_UID_LABEL: pods.uid(pod),
    }


def _annotations(
    pod: JsonObject, container: JsonObject, restart_count: int
) -> dict[str, str]:
    annotations = {
        names.HASH: container_hash(container),
        names.RESTART_COUNT: str(restart_count),
        names.MESSAGE_PATH: container.get("terminationMessagePath", ""),
        names.MESSAGE_POLICY: container.get("terminationMessagePolicy", ""),
        names.GRACE_PERIOD: str(pods.termination_grace_period(pod)),
    }
    if ports := container.get("ports"):
        annotations[names.PORTS] = json.dumps(ports, separators=(",", ":"))
    if pre_stop := (container.get("lifecycle") or {}).get("preStop"):
        annotations[names.PRE_STOP] = json.dumps(pre_stop, separators=(",", ":"))
    return annotations


def _stop_signal(container: JsonObject) -> str:
    return (container.get("lifecycle") or {}).get("stopSignal") or "RUNTIME_DEFAULT"
