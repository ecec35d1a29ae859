"""The settings of the API server, named as kube-apiserver names its flags."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from apimachinery.emulation import FeatureGates
from apiserver.version import DEFAULT_VERSION, EmulatedVersion

__all__ = ["Config", "add_arguments"]

_ADDRESS_TYPES = ("InternalIP", "ExternalIP", "Hostname")
_STORAGE = ("sqlite", "memory", "etcd3")
_MODES = ("AlwaysAllow", "AlwaysDeny", "Node", "RBAC")


# No slots: the class attributes are the flags' defaults.
@dataclass(frozen=True)
class Config:
    """All that `app.build` needs to know. Times are seconds."""

    bind_address: str = "127.0.0.1"
    secure_port: int = 6443
    tls_cert_file: Path | None = None
    tls_private_key_file: Path | None = None
    client_ca_file: Path | None = None
    kubelet_client_certificate: Path | None = None
    kubelet_client_key: Path | None = None
    kubelet_certificate_authority: Path | None = None
    kubelet_preferred_address_types: tuple[str, ...] = _ADDRESS_TYPES
    storage_backend: str = "sqlite"
    sqlite_path: Path | None = None
    etcd_servers: tuple[str, ...] = ()
    etcd_cafile: Path | None = None
    etcd_certfile: Path | None = None
    etcd_keyfile: Path | None = None
    etcd_prefix: str = "/registry"
    token_auth_file: Path | None = None
    anonymous_auth: bool = True
    authorization_mode: tuple[str, ...] = ("Node", "RBAC")
    service_account_issuer: str = "https://kubernetes.default.svc.cluster.local"
    service_account_key_file: Path | None = None
    service_account_signing_key_file: Path | None = None
    api_audiences: tuple[str, ...] = ()
    request_timeout: float = 60.0
    min_request_timeout: float = 1800.0
    event_ttl: float = 3600.0
    etcd_compaction_interval: float = 300.0
    max_requests_inflight: int = 400
    max_mutating_requests_inflight: int = 200
    emulate_version: EmulatedVersion = DEFAULT_VERSION
    feature_gates: FeatureGates = FeatureGates({})  # noqa: RUF009 - never changed

    @classmethod
    def from_arguments(cls, options: argparse.Namespace) -> Self:
        """The settings of a parsed command line.

        Raises:
            ValueError: settings that contradict each other.
        """
        names = cls.__dataclass_fields__
        given = {k: v for k, v in vars(options).items() if k in names}
        config = cls(**given)
        config.check()
        return config

    def check(self) -> None:
        """Refuse what cannot work, before anything is opened."""
        if self.tls_cert_file is None or self.tls_private_key_file is None:
            raise ValueError("--tls-cert-file and --tls-private-key-file are required")
        if self.storage_backend == "sqlite" and self.sqlite_path is None:
            raise ValueError("--sqlite-path is required with --storage-backend=sqlite")
        if self.storage_backend == "etcd3" and not self.etcd_servers:
            raise ValueError("--etcd-servers must be specified")
        if (self.etcd_certfile is None) != (self.etcd_keyfile is None):
            raise ValueError("--etcd-certfile and --etcd-keyfile go together")

    def enabled(self, gate: str) -> bool:
        """Whether a feature gate is on."""
        return self.feature_gates.enabled(gate, self.emulate_version.minor)

    @property
    def audiences(self) -> tuple[str, ...]:
        return self.api_audiences or (self.service_account_issuer,)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")
    return text.lower() == "true"


def _seconds(text: str) -> float:
    from apimachinery.go_duration import InvalidDurationError, parse_duration

    try:
        return parse_duration(text)
    except InvalidDurationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _modes(text: str) -> tuple[str, ...]:
    modes = _names(text)
    for mode in modes:
        if mode not in _MODES:
            raise argparse.ArgumentTypeError(
                f"unknown mode {mode!r}: choose from {', '.join(_MODES)}"
            )
    return modes


def _version(text: str) -> EmulatedVersion:
    try:
        return EmulatedVersion.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _gates(text: str) -> FeatureGates:
    try:
        return FeatureGates.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags; each default is that of `Config`."""
    _add_serving(parser.add_argument_group("serving"))
    _add_kubelet(parser.add_argument_group("kubelets"))
    _add_storage(parser.add_argument_group("storage"))
    _add_access(parser.add_argument_group("who may do what"))
    _add_limits(parser.add_argument_group("limits and behaviour"))


def _add_serving(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--bind-address",
        default=Config.bind_address,
        metavar="IP",
        help="address to listen on (default %(default)s: this machine only)",
    )
    group.add_argument(
        "--secure-port",
        type=int,
        default=Config.secure_port,
        metavar="PORT",
        help="HTTPS port; 0 takes a free one (default %(default)s)",
    )
    group.add_argument(
        "--tls-cert-file",
        type=Path,
        metavar="FILE",
        help="PEM certificate, with its chain, that the server shows",
    )
    group.add_argument(
        "--tls-private-key-file",
        type=Path,
        metavar="FILE",
        help="PEM private key of that certificate",
    )
    group.add_argument(
        "--client-ca-file",
        type=Path,
        metavar="FILE",
        help="PEM authorities whose client certificates name users and groups",
    )


def _add_kubelet(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--kubelet-client-certificate",
        type=Path,
        metavar="FILE",
        help="PEM client certificate shown to kubelets",
    )
    group.add_argument(
        "--kubelet-client-key",
        type=Path,
        metavar="FILE",
        help="PEM private key of that certificate",
    )
    group.add_argument(
        "--kubelet-certificate-authority",
        type=Path,
        metavar="FILE",
        help="PEM authorities that kubelets' certificates are checked against;"
        " without it those of the system",
    )
    group.add_argument(
        "--kubelet-preferred-address-types",
        type=_names,
        default=_ADDRESS_TYPES,
        metavar="LIST",
        help="node address types to try, in order"
        f" (default {','.join(_ADDRESS_TYPES)})",
    )


def _add_storage(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--storage-backend",
        choices=_STORAGE,
        default=Config.storage_backend,
        help="where objects are kept (default %(default)s); memory forgets them",
    )
    group.add_argument(
        "--sqlite-path",
        type=Path,
        metavar="FILE",
        help="database file of the sqlite backend",
    )
    group.add_argument(
        "--etcd-servers",
        type=_names,
        default=(),
        metavar="LIST",
        help="comma-separated URLs of the etcd3 backend",
    )
    group.add_argument(
        "--etcd-cafile",
        type=Path,
        metavar="FILE",
        help="PEM authorities that etcd's certificates are checked against;"
        " without it those of the system",
    )
    group.add_argument(
        "--etcd-certfile",
        type=Path,
        metavar="FILE",
        help="PEM client certificate shown to etcd",
    )
    group.add_argument(
        "--etcd-keyfile",
        type=Path,
        metavar="FILE",
        help="PEM private key of that certificate",
    )
    group.add_argument(
        "--etcd-prefix",
        default=Config.etcd_prefix,
        metavar="PATH",
        help="what all keys in etcd begin with (default %(default)s)",
    )
    group.add_argument(
        "--etcd-compaction-interval",
        type=_seconds,
        default=Config.etcd_compaction_interval,
        metavar="DURATION",
        help="how often history older than that is forgotten (default 5m)",
    )
    group.add_argument(
        "--event-ttl",
        type=_seconds,
        default=Config.event_ttl,
        metavar="DURATION",
        help="how long events are kept (default 1h)",
    )


def _add_access(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--token-auth-file",
        type=Path,
        metavar="FILE",
        help='CSV of static bearer tokens: token,user,uid,"group1,group2"',
    )
    group.add_argument(
        "--anonymous-auth",
        type=_boolean,
        default=Config.anonymous_auth,
        metavar="BOOL",
        help="requests without credentials are system:anonymous (default true)",
    )
    group.add_argument(
        "--authorization-mode",
        type=_modes,
        default=Config.authorization_mode,
        metavar="LIST",
        help=f"authorizers in order, of {', '.join(_MODES)} (default Node,RBAC)",
    )
    group.add_argument(
        "--service-account-issuer",
        default=Config.service_account_issuer,
        metavar="URL",
        help="issuer of service-account tokens (default %(default)s)",
    )
    group.add_argument(
        "--service-account-key-file",
        type=Path,
        metavar="FILE",
        help="PEM public or private key that verifies service-account tokens",
    )
    group.add_argument(
        "--service-account-signing-key-file",
        type=Path,
        metavar="FILE",
        help="PEM private key that signs them",
    )
    group.add_argument(
        "--api-audiences",
        type=_names,
        default=(),
        metavar="LIST",
        help="audiences that tokens must be for (default: the issuer)",
    )


def _add_limits(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--request-timeout",
        type=_seconds,
        default=Config.request_timeout,
        metavar="DURATION",
        help="limit of requests that are not long-running (default 1m)",
    )
    group.add_argument(
        "--min-request-timeout",
        type=float,
        default=Config.min_request_timeout,
        metavar="SECONDS",
        help="least time a watch without timeoutSeconds lasts; at most twice that"
        " (default 1800)",
    )
    group.add_argument(
        "--max-requests-inflight",
        type=int,
        default=Config.max_requests_inflight,
        metavar="N",
        help="reads served at a time; 0 is without limit (default %(default)s)",
    )
    group.add_argument(
        "--max-mutating-requests-inflight",
        type=int,
        default=Config.max_mutating_requests_inflight,
        metavar="N",
        help="writes served at a time; 0 is without limit (default %(default)s)",
    )
    group.add_argument(
        "--emulate-version",
        type=_version,
        default=DEFAULT_VERSION,
        metavar="X.Y",
        help="the Kubernetes minor version to behave like (default %(default)s)",
    )
    group.add_argument(
        "--feature-gates",
        type=_gates,
        default=Config.feature_gates,
        metavar="NAME=BOOL,...",
        help="what is alpha or beta, such as PodLogsQuerySplitStreams=true",
    )
