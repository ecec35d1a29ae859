"""Security contexts of pods and containers as CRI has them.

Source: kubernetes/kubernetes pkg/kubelet/kuberuntime/security_context.go,
pkg/securitycontext/util.go (merging, masked and read-only paths).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelet import pod as pods
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["container_security", "namespace_options", "sandbox_security"]

_MASKED = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
_READ_ONLY = (
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
)
_PROFILES = {
    "RuntimeDefault": cri.SecurityProfile.RuntimeDefault,
    "Unconfined": cri.SecurityProfile.Unconfined,
    "Localhost": cri.SecurityProfile.Localhost,
}


def namespace_options(pod: JsonObject) -> cri.NamespaceOption:
    """Which of the host's namespaces a pod shares."""
    spec = pod["spec"]
    pid = cri.POD if spec.get("shareProcessNamespace") else cri.CONTAINER
    return cri.NamespaceOption(
        network=cri.NODE if pods.uses_host_network(pod) else cri.POD,
        pid=cri.NODE if spec.get("hostPID") else pid,
        ipc=cri.NODE if spec.get("hostIPC") else cri.POD,
    )


def sandbox_security(pod: JsonObject) -> cri.LinuxSandboxSecurityContext:
    context = pod["spec"].get("securityContext") or {}
    return cri.LinuxSandboxSecurityContext(
        namespace_options=namespace_options(pod),
        run_as_user=_number(context.get("runAsUser")),
        run_as_group=_number(context.get("runAsGroup")),
        supplemental_groups=_groups(context),
        privileged=any(_is_privileged(c) for _, c in pods.all_containers(pod)),
        seccomp=_profile(context.get("seccompProfile") or {"type": "RuntimeDefault"}),
    )


def container_security(
    pod: JsonObject, container: JsonObject, target_id: str = ""
) -> cri.LinuxContainerSecurityContext:
    """The container's own settings over the pod's.

    Args:
        target_id: the container whose processes an ephemeral container shall see.
    """
    shared = pod["spec"].get("securityContext") or {}
    own = container.get("securityContext") or {}
    namespaces = namespace_options(pod)
    if target_id:
        namespaces.pid = cri.TARGET
        namespaces.target_id = target_id
    privileged = _is_privileged(container)
    unmasked = privileged or own.get("procMount") == "Unmasked"
    escalation = own.get("allowPrivilegeEscalation")
    return cri.LinuxContainerSecurityContext(
        capabilities=_capabilities(own.get("capabilities") or {}),
        privileged=privileged,
        namespace_options=namespaces,
        run_as_user=_number(own.get("runAsUser", shared.get("runAsUser"))),
        run_as_group=_number(own.get("runAsGroup", shared.get("runAsGroup"))),
        readonly_rootfs=bool(own.get("readOnlyRootFilesystem")),
        supplemental_groups=_groups(shared),
        no_new_privs=escalation is False,
        masked_paths=() if unmasked else _MASKED,
        readonly_paths=() if unmasked else _READ_ONLY,
        seccomp=_profile(
            own.get("seccompProfile")
            or shared.get("seccompProfile")
            or {"type": "Unconfined"}
        ),
    )


def _is_privileged(container: JsonObject) -> bool:
    return bool((container.get("securityContext") or {}).get("privileged"))


def _capabilities(capabilities: JsonObject) -> cri.Capability:
    return cri.Capability(
        add_capabilities=capabilities.get("add") or [],
        drop_capabilities=capabilities.get("drop") or [],
    )


def _groups(context: JsonObject) -> list[int]:
    groups = list(context.get("supplementalGroups") or [])
    if context.get("fsGroup") is not None:
        groups.append(context["fsGroup"])
    return groups


def _number(value: int | None) -> cri.Int64Value | None:
    return None if value is None else cri.Int64Value(value=value)


def _profile(profile: JsonObject) -> cri.SecurityProfile:
    return cri.SecurityProfile(
        profile_type=_PROFILES.get(profile["type"], cri.SecurityProfile.Unconfined),
        localhost_ref=profile.get("localhostProfile", ""),
    )
