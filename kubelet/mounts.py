"""What a container sees at which path.

Source: kubernetes/kubernetes pkg/kubelet/kubelet_pods.go (makeMounts,
makeHostsMount), pkg/kubelet/kuberuntime/kuberuntime_container.go (makeMounts).
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from kubelet import pod as pods
from kubelet.cri_config import hostname
from kubelet.expansion import UnknownVariableError, expand_strictly
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apimachinery.types import JsonObject

__all__ = ["MountError", "make_mounts"]

_PROPAGATIONS = {
    "HostToContainer": cri.PROPAGATION_HOST_TO_CONTAINER,
    "Bidirectional": cri.PROPAGATION_BIDIRECTIONAL,
}
_HOSTS_PATH = "/etc/hosts"


class MountError(Exception):
    """The container cannot be configured: CreateContainerConfigError."""


def make_mounts(
    pod: JsonObject,
    container: JsonObject,
    volumes: Mapping[str, str],
    variables: Mapping[str, str],
    pod_directory: str,
    pod_ips: tuple[str, ...],
) -> list[cri.Mount]:
    """Volume mounts, the managed hosts file, and the termination message file.

    Makes the files and sub-directories that must exist. Blocks: run it in a thread.

    Raises:
        MountError
    """
    mounts = [
        _volume_mount(mount, volumes, variables)
        for mount in container.get("volumeMounts") or []
    ]
    taken = {mount.container_path for mount in mounts}
    if pod_ips and _HOSTS_PATH not in taken and not pods.uses_host_network(pod):
        hosts = _write_hosts(pod, pod_directory, pod_ips)
        mounts.append(cri.Mount(container_path=_HOSTS_PATH, host_path=hosts))
    if path := container.get("terminationMessagePath"):
        file = _termination_file(pod_directory, container["name"])
        mounts.append(cri.Mount(container_path=path, host_path=file))
    return mounts


def _volume_mount(
    mount: JsonObject, volumes: Mapping[str, str], variables: Mapping[str, str]
) -> cri.Mount:
    name = mount["name"]
    if name not in volumes:
        raise MountError(f'volume "{name}" is not mounted')
    return cri.Mount(
        container_path=mount["mountPath"],
        host_path=_with_sub_path(mount, volumes[name], variables),
        readonly=bool(mount.get("readOnly")),
        propagation=_PROPAGATIONS.get(
            mount.get("mountPropagation", ""), cri.PROPAGATION_PRIVATE
        ),
    )


def _with_sub_path(mount: JsonObject, path: str, variables: Mapping[str, str]) -> str:
    sub_path = mount.get("subPath", "")
    if expression := mount.get("subPathExpr"):
        try:
            sub_path = expand_strictly(expression, variables)
        except UnknownVariableError as err:
            raise MountError(str(err)) from err
    if not sub_path:
        return path
    if os.path.isabs(sub_path):
        raise MountError(f"error SubPath `{sub_path}` must not be an absolute path")
    if ".." in sub_path.split("/"):
        raise MountError(
            f"unable to provision SubPath `{sub_path}`: must not contain '..'"
        )
    full = os.path.join(path, sub_path)
    # A link inside the volume must not lead out of it.
    if not _is_inside(os.path.realpath(full), os.path.realpath(path)):
        raise MountError(f'failed to prepare subPath for volumeMount "{mount["name"]}"')
    if not os.path.exists(full):
        os.makedirs(full, mode=0o750, exist_ok=True)
    return full


def _is_inside(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _write_hosts(pod: JsonObject, pod_directory: str, ips: tuple[str, ...]) -> str:
    path = os.path.join(pod_directory, "etc-hosts")
    os.makedirs(pod_directory, mode=0o750, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(_hosts_text(pod, ips))
    return path


def _hosts_text(pod: JsonObject, ips: tuple[str, ...]) -> str:
    lines = [
        "# Kubernetes-managed hosts file.",
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost ip6-localhost ip6-loopback",
        "fe00::\tip6-localnet",
        "fe00::\tip6-mcastprefix",
        "fe00::1\tip6-allnodes",
        "fe00::2\tip6-allrouters",
    ]
    lines += [f"{ip}\t{hostname(pod)}" for ip in ips]
    aliases = pod["spec"].get("hostAliases") or []
    if aliases:
        lines += ["", "# Entries added by HostAliases."]
        lines += ["\t".join([a["ip"], *(a.get("hostnames") or [])]) for a in aliases]
    return "\n".join(lines) + "\n"


def _termination_file(pod_directory: str, container: str) -> str:
    """A new file for each instance, writable by whoever the container runs as."""
    directory = os.path.join(pod_directory, "containers", container)
    os.makedirs(directory, mode=0o750, exist_ok=True)
    path = os.path.join(directory, secrets.token_hex(4))
    os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o666))
    os.chmod(path, 0o666)  # noqa: S103 - containers of any user write it
    return path
