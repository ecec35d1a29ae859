"""From a pod to the URL at its kubelet, and which container is meant.

Source: kubernetes/kubernetes pkg/registry/core/pod/strategy.go (ExecLocation,
AttachLocation, PortForwardLocation, LogLocation), pkg/util/node/node.go and
pkg/kubelet/client/kubelet_client.go. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from apimachinery import status
from apiserver.resources.cells import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apimachinery.options import (
        PodExecOptions,
        PodLogOptions,
        PortForwardOptions,
    )
    from apimachinery.types import JsonObject

__all__ = [
    "DEFAULT_ADDRESS_TYPES",
    "KubeletAddress",
    "NoHostError",
    "attach_target",
    "choose_container",
    "exec_target",
    "kubelet_address",
    "log_target",
    "port_forward_target",
    "require_node",
]

DEFAULT_ADDRESS_TYPES = (
    "Hostname",
    "InternalDNS",
    "InternalIP",
    "ExternalDNS",
    "ExternalIP",
)
_DEFAULT_PORT = 10250
_KINDS = ("containers", "initContainers", "ephemeralContainers")
_EXTENDS_WEBSOCKETS = "ExtendWebSocketsToKubelet"


class NoHostError(Exception):
    """The pod has no node yet."""


@dataclass(frozen=True, slots=True)
class KubeletAddress:
    """Where a node's kubelet listens, and what it said it can do."""

    host: str
    port: int
    takes_websockets: bool = False
    """It declares ExtendWebSocketsToKubelet: v5 may be passed through raw."""


def kubelet_address(node: JsonObject, preferred: Sequence[str]) -> KubeletAddress:
    """The address to dial, by the first preferred type that the node has.

    Raises:
        StatusError: 500, the node has no address of these types.
    """
    addresses = read(node, "status.addresses") or []
    for kind in preferred:
        for address in addresses:
            if address.get("type") == kind and address.get("address"):
                port = read(node, "status.daemonEndpoints.kubeletEndpoint.Port")
                features = read(node, "status.declaredFeatures") or ()
                return KubeletAddress(
                    address["address"],
                    int(port or 0) or _DEFAULT_PORT,
                    _EXTENDS_WEBSOCKETS in features,
                )
    known = " ".join(f"{{{a.get('type')} {a.get('address')}}}" for a in addresses)
    text = f"no preferred addresses found; known addresses: [{known}]"
    raise status.StatusError(status.failure_status(500, "", text))


def require_node(pod: JsonObject) -> str:
    """The node a pod is bound to.

    Raises:
        StatusError: 400.
    """
    node = read(pod, "spec.nodeName")
    if not node:
        name = pod["metadata"]["name"]
        raise status.bad_request(f"pod {name} does not have a host assigned")
    return str(node)


def choose_container(pod: JsonObject, asked: str) -> str:
    """The container a request is about.

    The annotation kubectl.kubernetes.io/default-container is for clients: "the server"
    does not look at it.

    Raises:
        StatusError: 400.
    """
    pod_name = pod["metadata"]["name"]
    names = {
        kind: [c.get("name", "") for c in read(pod, f"spec.{kind}") or ()]
        for kind in _KINDS
    }
    everything = [name for kind in _KINDS for name in names[kind]]
    if asked:
        if asked not in everything:
            raise status.bad_request(
                f"container {asked} is not valid for pod {pod_name}"
            )
        return asked
    regular = names["containers"]
    if len(regular) == 1:
        return str(regular[0])
    text = f"a container name must be specified for pod {pod_name}"
    if regular:
        listed = " ".join(
            regular + names["initContainers"] + names["ephemeralContainers"]
        )
        text += f", choose one of: [{listed}]"
    raise status.bad_request(text)


def _path(*segments: str) -> str:
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


def _with_query(path: str, pairs: list[tuple[str, str]]) -> str:
    """url.Values.Encode: sorted by key, values in their order."""
    query = urlencode(sorted(pairs, key=lambda pair: pair[0]))
    return f"{path}?{query}" if query else path


def _pod_path(pod: JsonObject) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


def _stream_query(options: PodExecOptions) -> list[tuple[str, str]]:
    """The kubelet's own names; what is false is left out."""
    chosen = {
        "input": options.stdin,
        "output": options.stdout,
        "error": options.stderr,
        "tty": options.tty,
    }
    return [(name, "1") for name, wanted in chosen.items() if wanted]


def exec_target(pod: JsonObject, options: PodExecOptions) -> str:
    """Path and query of /exec."""
    container = choose_container(pod, options.container)
    pairs = _stream_query(options) + [("command", word) for word in options.command]
    return _with_query(_path("exec", *_pod_path(pod), container), pairs)


def attach_target(pod: JsonObject, options: PodExecOptions) -> str:
    """Path and query of /attach."""
    container = choose_container(pod, options.container)
    path = _path("attach", *_pod_path(pod), container)
    return _with_query(path, _stream_query(options))


def port_forward_target(pod: JsonObject, options: PortForwardOptions) -> str:
    """Path and query of /portForward."""
    pairs = []
    if options.ports:
        pairs = [("port", ",".join(str(port) for port in options.ports))]
    return _with_query(_path("portForward", *_pod_path(pod)), pairs)


def log_target(pod: JsonObject, options: PodLogOptions) -> str:
    """Path and query of /containerLogs.

    Raises:
        NoHostError: the pod is not bound: the log is empty, and that is no fault.
    """
    container = choose_container(pod, options.container)
    if not read(pod, "spec.nodeName"):
        raise NoHostError
    pairs = [
        (name, "true")
        for name, wanted in (
            ("follow", options.follow),
            ("previous", options.previous),
            ("timestamps", options.timestamps),
        )
        if wanted
    ]
    pairs += [
        (name, str(number))
        for name, number in (
            ("sinceSeconds", options.since_seconds),
            ("tailLines", options.tail_lines),
            ("limitBytes", options.limit_bytes),
        )
        if number is not None
    ]
    pairs += [
        (name, text)
        for name, text in (
            ("sinceTime", options.since_time),
            ("stream", options.stream),
        )
        if text
    ]
    return _with_query(_path("containerLogs", *_pod_path(pod), container), pairs)
