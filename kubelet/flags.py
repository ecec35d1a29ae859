"""The command line of mini-kubelet."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from apimachinery.emulation import FeatureGates
from apimachinery.go_duration import InvalidDurationError, parse_duration
from kubelet.config import KubeletConfig
from kubelet.config_file import read_config_file

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["parse_flags"]

_BOOLEANS = {"true": True, "false": False}


def parse_flags(arguments: Sequence[str] | None = None) -> KubeletConfig:
    """Flags over the file they name over the defaults.

    Raises:
        ConfigError, OSError
        SystemExit: as argparse has it.
    """
    given: dict[str, Any] = vars(_parser().parse_args(arguments))
    path = given.pop("config", None)
    config = KubeletConfig()
    if path:
        config = config.with_given(read_config_file(path))
    config = config.with_given(given)
    config.check()
    return config


def _parser() -> argparse.ArgumentParser:
    # A flag that is not given must not hide the file's value: hence SUPPRESS.
    parser = argparse.ArgumentParser(
        prog="mini-kubelet",
        description="Runs the pods of one node through a CRI runtime.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    for add in (_add_node, _add_server, _add_runtime, _add_logs, _add_tools):
        add(parser)
    return parser


def _add_node(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the node")
    add = group.add_argument
    add("--kubeconfig", metavar="FILE", help="how to reach the API server, as whom")
    add("--config", metavar="FILE", help="a KubeletConfiguration, JSON or YAML")
    add(
        "--hostname-override",
        metavar="NAME",
        help="name of the node (default: the host name)",
    )
    add("--node-ip", metavar="IP", help="address of the node (default: found out)")
    add(
        "--node-labels",
        metavar="K=V,...",
        type=_labels,
        help="labels given to the node when it registers",
    )
    add(
        "--register-with-taints",
        metavar="K=V:EFFECT,...",
        type=_taints,
        help="taints given to the node when it registers",
    )
    add("--provider-id", metavar="ID", help="spec.providerID of the node")
    add("--max-pods", metavar="N", type=int, help="pods the node can run (110)")
    add(
        "--node-status-update-frequency",
        metavar="DURATION",
        type=_seconds,
        help="how often the node's status is looked at, and put right (10s)",
    )


def _add_server(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is served")
    add = group.add_argument
    add("--address", metavar="IP", help="where the HTTPS server listens (127.0.0.1)")
    add("--port", metavar="N", type=int, help="its port (10250), 0 for a free one")
    add("--tls-cert-file", metavar="FILE", help="its certificate, PEM")
    add("--tls-private-key-file", metavar="FILE", help="the certificate's key, PEM")
    add("--client-ca-file", metavar="FILE", help="who signs client certificates, PEM")
    add(
        "--anonymous-auth",
        metavar="BOOL",
        type=_boolean,
        help="serve requests without credentials, as system:anonymous (false)",
    )
    add(
        "--authentication-token-webhook",
        metavar="BOOL",
        type=_boolean,
        help="ask the API server about bearer tokens (false)",
    )
    add(
        "--authorization-mode",
        metavar="MODE",
        choices=("AlwaysAllow", "Webhook"),
        help="AlwaysAllow, or Webhook: ask the API server",
    )
    add(
        "--read-only-port",
        metavar="N",
        type=int,
        help="a port without authentication for what changes nothing; 0: none",
    )
    add(
        "--healthz-port",
        metavar="N",
        type=int,
        help="a loopback port for /healthz alone; 0: none",
    )


def _add_runtime(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the runtime and the files")
    add = group.add_argument
    add(
        "--container-runtime-endpoint",
        metavar="URL",
        help="CRI socket (unix:///run/containerd/containerd.sock)",
    )
    add("--root-dir", metavar="DIR", help="volumes of pods (/var/lib/kubelet)")
    add("--pod-logs-dir", metavar="DIR", help="logs of pods (/var/log/pods)")
    add(
        "--pod-resources-socket",
        metavar="PATH",
        help="gRPC socket for node agents (ROOT/pod-resources/kubelet.sock)",
    )
    add(
        "--pod-manifest-path",
        metavar="PATH",
        help="folder with manifests of static pods, or one such file (none)",
    )
    add(
        "--file-check-frequency",
        metavar="DURATION",
        type=_seconds,
        help="how often they are read though nothing seems to have changed (20s)",
    )
    add(
        "--serialize-image-pulls",
        metavar="BOOL",
        type=_boolean,
        help="pull one image at a time (true)",
    )
    add("--cluster-dns", metavar="IP,...", type=_words, help="name servers of pods")
    add("--cluster-domain", metavar="NAME", help="search domain of pods")
    add("--resolv-conf", metavar="FILE", help="the host's (/etc/resolv.conf)")


def _add_logs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("logs of containers")
    add = group.add_argument
    add(
        "--container-log-max-size",
        metavar="QUANTITY",
        help="rotate a log that has grown to this; negative: never (10Mi)",
    )
    add(
        "--container-log-max-files",
        metavar="N",
        type=int,
        help="files kept of one container, at least 2 (5)",
    )
    add(
        "--container-log-max-workers",
        metavar="N",
        type=int,
        help="logs that are rotated at the same time (1)",
    )
    add(
        "--container-log-monitor-interval",
        metavar="DURATION",
        type=_seconds,
        help="how often sizes are looked at, at least 3s (10s)",
    )


def _add_tools(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("emulation and looking inside")
    add = group.add_argument
    add(
        "--emulate-version",
        metavar="X.Y",
        help="behave as the kubelet of this Kubernetes version (1.36)",
    )
    add(
        "--feature-gates",
        metavar="NAME=BOOL,...",
        type=_gates,
        help="what is alpha or beta, such as PodLogsQuerySplitStreams=true",
    )
    add("--trace-dir", metavar="DIR", help="write every frame of every hop here")
    add("--trace-bytes", metavar="N", help="of each payload, or all (256)")
    add("--admin-socket", metavar="PATH", help="control socket of this process")
    add(
        "--v",
        metavar="N",
        dest="verbosity",
        type=int,
        help="how much to log: 0 warnings, 2 steps, 4 decisions (0)",
    )


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except InvalidDurationError as err:
        raise argparse.ArgumentTypeError(str(err)) from None


def _gates(text: str) -> dict[str, bool]:
    try:
        return dict(FeatureGates.parse(text).given)
    except ValueError as err:
        raise argparse.ArgumentTypeError(str(err)) from None


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither true nor false"
        ) from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


def _labels(text: str) -> dict[str, str]:
    labels = {}
    for word in _words(text):
        name, equals, value = word.partition("=")
        if not equals:
            raise argparse.ArgumentTypeError(f"{word!r} is not KEY=VALUE")
        labels[name] = value
    return labels


def _taints(text: str) -> tuple[dict[str, str], ...]:
    taints = []
    for word in _words(text):
        pair, colon, effect = word.rpartition(":")
        if not colon:
            raise argparse.ArgumentTypeError(f"{word!r} is not KEY[=VALUE]:EFFECT")
        name, _, value = pair.partition("=")
        taint = {"key": name, "effect": effect}
        taints.append({**taint, "value": value} if value else taint)
    return tuple(taints)
