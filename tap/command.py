"""`mini-kube tap`: stand in front of a component that is not ours, and trace it."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tap.errors import TapError

if TYPE_CHECKING:
    from hops.cluster_view import ClusterView

__all__ = ["configure", "run"]

#: What can be tapped: name -> module, class, default address, what it is for. A module
#: has `add_arguments(parser)`.
_KINDS: Final = {
    "apiserver": (
        "tap.apiserver",
        "ApiServerTap",
        "127.0.0.1:0",
        "a Kubernetes API server, of a kubeconfig",
    ),
    "kubelet": ("tap.kubelet", "KubeletTap", "127.0.0.1:0", "a kubelet"),
    "cri": ("tap.cri", "CriTap", "", "a container runtime, and its streams"),
    "etcd": ("tap.etcd", "EtcdTap", "127.0.0.1:0", "an etcd"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what can be tapped, and the flags."""
    kinds = parser.add_subparsers(dest="kind", metavar="WHAT", required=True)
    for name, (module, _, listen, text) in _KINDS.items():
        kind = kinds.add_parser(name, help=text, description=f"Tap {text}.")
        importlib.import_module(module).add_arguments(kind)
        _add_common(kind, listen)


def run(options: argparse.Namespace, view: ClusterView | None) -> int:
    """Tap until Ctrl-C; the exit code is 0, or 1 when it cannot start."""
    from tap.running import run_tap

    module, name, _, _ = _KINDS[options.kind]
    make = getattr(importlib.import_module(module), name)
    try:
        return asyncio.run(run_tap(options.kind, make, options, view))
    except (TapError, OSError, ValueError) as err:
        print(f"mini-kube tap: {err}", file=sys.stderr)
        return 1


def _add_common(parser: argparse.ArgumentParser, listen: str) -> None:
    # The command itself has these two, before WHAT; people write them behind it.
    cluster = parser.add_argument_group("a cluster of ours, where there is one")
    cluster.add_argument("--name", default=argparse.SUPPRESS, help="which")
    cluster.add_argument(
        "--state-dir",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="DIR",
        help="where it keeps its state",
    )
    group = parser.add_argument_group("every tap")
    add = group.add_argument
    add(
        "--listen",
        default=listen,
        metavar="ADDRESS",
        help="host:port, port 0 for a free one, or the path of a Unix socket"
        + (" (default: %(default)s)" if listen else ""),
    )
    add(
        "--trace-dir",
        default="",
        metavar="DIR",
        help="where the trace goes (default: a new folder below $XDG_STATE_HOME)",
    )
    add(
        "--bytes",
        default="256",
        metavar="N",
        help="how much of each payload is kept: a number, or `all` (default: 256)",
    )
    add("--live", action="store_true", help="print a line a session")
    add(
        "--fault",
        action="append",
        default=[],
        metavar="TYPE[:NAME=VALUE,...]",
        help="break what goes by, e.g. latency:latency=100; see docs/faults.md",
    )
    add(
        "--show-secrets",
        action="store_true",
        help="mask no tokens and keys in the trace",
    )
