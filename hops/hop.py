"""The named edges of the picture: every connection belongs to one."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

__all__ = ["Address", "Hop", "Role", "format_address"]

#: (host, port), or the path of a Unix socket.
Address = tuple[str, int] | str

#: Which end of a connection this process is.
Role = Literal["client", "server"]


class Hop(StrEnum):
    """An edge, named after who dials and who listens."""

    KUBECTL_APISERVER = "kubectl-apiserver"
    APISERVER_KUBELET = "apiserver-kubelet"
    KUBELET_APISERVER = "kubelet-apiserver"
    CONTROLLERS_APISERVER = "controllers-apiserver"
    KUBELET_CRI = "kubelet-cri"
    KUBELET_CRI_STREAMING = "kubelet-cri-streaming"
    KUBELET_POD = "kubelet-pod"
    CRI_SHIM = "cri-shim"
    CRI_POD = "cri-pod"
    APISERVER_ETCD = "apiserver-etcd"
    PROXY = "proxy"  # between two ends that are none of ours


def format_address(address: Address) -> str:
    """As Go prints it: `host:port`, `[::1]:port`, or the path."""
    if isinstance(address, str):
        return address
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
