"""The flags that mini-kube takes for a cluster, checked before anything happens."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Final

from cluster.layout import DEFAULT_NAME
from cluster.settings import absolute

__all__ = ["add_cluster_flags", "add_up_flags"]

# RFC 1123 label; short, since it becomes part of node names and of socket paths.
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,22}[a-z0-9])?")


def add_cluster_flags(
    parser: argparse.ArgumentParser, default: str | None = None
) -> None:
    """Which cluster. `default` is argparse.SUPPRESS below a command that has them."""
    parser.add_argument(
        "--name",
        type=_cluster_name,
        default=default,
        help=f"which cluster: several can run side by side (default: {DEFAULT_NAME})",
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        default=default,
        help="where it keeps its state (default: $XDG_STATE_HOME/mini-kube/NAME)",
    )


def add_up_flags(parser: argparse.ArgumentParser) -> None:
    """What the cluster is to be. An empty value takes a flag of an earlier `up` back."""
    add = parser.add_argument
    add("--nodes", type=_count, metavar="N", help="how many kubelets and runtimes")
    add("--trace", dest="trace_dir", metavar="DIR", help="write every frame to DIR")
    add("--api-port", type=_port, metavar="PORT", help="of the API server")
    add(
        "--kubelet-port",
        type=_port,
        metavar="PORT",
        help="of the first kubelet; the next ones count on",
    )
    add(
        "--bind-address",
        type=_address,
        metavar="IP",
        help="where API server and kubelets listen (default: 127.0.0.1)",
    )
    add(
        "--emulate-version",
        metavar="1.NN",
        type=_version,
        help="the Kubernetes version whose behaviour is shown",
    )
    add(
        "--feature-gates",
        metavar="NAME=BOOL,...",
        type=_feature_gates,
        help="of API server and kubelets, e.g. PodLogsQuerySplitStreams=true",
    )
    add(
        "--kubelet-arg",
        dest="kubelet_args",
        action="append",
        metavar="FLAG=VALUE",
        help="a flag of the kubelets, e.g. container-log-max-size=1Mi; may be repeated",
    )
    add("--kubelet", metavar="PATH", help="run this kubelet in place of ours")
    add(
        "--cri-socket",
        type=_cri_socket,
        metavar="URL",
        help="use this CRI runtime (unix:///…)",
    )
    add(
        "--image-policy",
        choices=["permissive", "strict", ""],
        metavar="{permissive,strict}",
        help="see docs/images.md",
    )
    add("--image-catalogue", metavar="FILE", help="images beside the built-in ones")
    add(
        "--kwok-config",
        metavar="FILE",
        help="what fake containers answer (KWOK's YAML)",
    )
    add(
        "--etcd",
        metavar="URL[,URL]",
        help="keep the objects in this etcd; empty: in a file, as by default",
    )
    add("--etcd-cafile", metavar="FILE", help="authorities of its certificates")
    add("--etcd-certfile", metavar="FILE", help="client certificate shown to it")
    add("--etcd-keyfile", metavar="FILE", help="private key of that certificate")
    add(
        "--etcd-prefix",
        metavar="PATH",
        help="what its keys begin with; one for each cluster (default: /registry)",
    )
    add(
        "--timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long to wait for the nodes to be Ready (default: 60)",
    )


def _cluster_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r}: lower-case letters, digits and '-', at most 24"
        )
    return text


def _version(text: str) -> str:
    """Checked here, before it is kept for the next `up`."""
    from apimachinery.emulation import parse_minor

    try:
        if text:
            parse_minor(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(str(err)) from None
    return text


def _cri_socket(text: str) -> str:
    """A bare path is taken too, as by the kubelet; empty stands for our own runtime."""
    if not text or text.startswith("unix:///"):
        return text
    if "://" in text:
        raise argparse.ArgumentTypeError(f"{text!r}: only a Unix socket, unix:///…")
    return f"unix://{absolute(text)}"


def _feature_gates(text: str) -> str:
    from apimachinery.emulation import FeatureGates

    try:
        FeatureGates.parse(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(str(err)) from None
    return text


def _address(text: str) -> str:
    from ipaddress import ip_address

    try:
        return str(ip_address(text or "127.0.0.1"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: an IP address") from None


def _count(text: str) -> int:
    return _number(text or "1", 1, 50)


def _port(text: str) -> int:
    """0 is for a free one again."""
    return _number(text, 1, 65535) if text else 0


def _number(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r}: a number from {least} to {most}")
    return int(text)
