"""Settings of one kubelet: defaults < configuration file < command line.

Names in the file are those of KubeletConfiguration (kubelet.config.k8s.io/v1beta1), the
flags those of the real kubelet where it has them. Once a file is given, the stricter
defaults of the file's format hold, as in the real one: no anonymous requests, Webhook
authorization.

Source: kubernetes/kubernetes pkg/kubelet/apis/config/v1beta1/defaults.go,
cmd/kubelet/app/options/options.go.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from apimachinery.emulation import FeatureGates, parse_minor
from apimachinery.go_duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apimachinery.types import JsonObject

__all__ = ["ConfigError", "KubeletConfig"]

ALWAYS_ALLOW, WEBHOOK = "AlwaysAllow", "Webhook"

_LEAST_LOG_INTERVAL = 3.0


class ConfigError(ValueError):
    """A setting is missing or makes no sense."""


@dataclass(frozen=True, slots=True)
class KubeletConfig:
    """Everything that can be set. Durations in seconds, "" means not given."""

    hostname_override: str = ""
    node_ip: str = ""
    address: str = "127.0.0.1"  # unlike kubelet, which listens to everybody
    port: int = 10250
    kubeconfig: str = ""
    tls_cert_file: str = ""
    tls_private_key_file: str = ""
    client_ca_file: str = ""
    container_runtime_endpoint: str = "unix:///run/containerd/containerd.sock"
    root_dir: str = "/var/lib/kubelet"
    pod_logs_dir: str = "/var/log/pods"
    pod_resources_socket: str = ""
    read_only_port: int = 0
    healthz_port: int = 0
    healthz_bind_address: str = "127.0.0.1"
    anonymous_auth: bool = False
    authentication_token_webhook: bool = False
    authorization_mode: str = ALWAYS_ALLOW
    node_labels: Mapping[str, str] = field(default_factory=dict)
    register_with_taints: tuple[JsonObject, ...] = ()
    provider_id: str = ""
    max_pods: int = 110
    serialize_image_pulls: bool = True
    enable_debugging_handlers: bool = True
    enable_system_log_handler: bool = True
    system_log_dir: str = "/var/log"
    resolv_conf: str = "/etc/resolv.conf"
    cluster_dns: tuple[str, ...] = ()
    cluster_domain: str = ""
    streaming_connection_idle_timeout: float = 4 * 3600.0
    container_log_max_size: str = "10Mi"
    container_log_max_files: int = 5
    container_log_max_workers: int = 1
    container_log_monitor_interval: float = 10.0
    feature_gates: Mapping[str, bool] = field(default_factory=dict)
    emulate_version: str = "1.36"
    trace_dir: str = ""
    trace_bytes: str = "256"
    admin_socket: str = ""
    verbosity: int = 0
    pod_manifest_path: str = ""
    file_check_frequency: float = 20.0
    node_status_update_frequency: float = 10.0

    @property
    def node_name(self) -> str:
        """The node's name: lower case, as the API wants it."""
        return (self.hostname_override or socket.gethostname()).strip().lower()

    @property
    def minor(self) -> int:
        """The minor version whose behaviour is shown, such as 36."""
        return parse_minor(self.emulate_version)

    @property
    def kubelet_version(self) -> str:
        version = self.emulate_version.removeprefix("v")
        return f"v{version}" if version.count(".") > 1 else f"v{version}.0"

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigError
        """
        if not self.kubeconfig:
            raise ConfigError("--kubeconfig is required: which API server to serve")
        if bool(self.tls_cert_file) != bool(self.tls_private_key_file):
            raise ConfigError("--tls-cert-file and --tls-private-key-file go together")
        if not self.tls_cert_file:
            raise ConfigError("--tls-cert-file is required: the server speaks only TLS")
        if self.authorization_mode not in (ALWAYS_ALLOW, WEBHOOK):
            raise ConfigError(
                f"--authorization-mode: {self.authorization_mode} is neither"
                f" {ALWAYS_ALLOW} nor {WEBHOOK}"
            )
        try:
            parse_minor(self.emulate_version)
        except ValueError as err:
            raise ConfigError(f"--emulate-version: {err}") from None
        try:
            FeatureGates.of(self.feature_gates)
        except ValueError as err:
            raise ConfigError(f"--feature-gates: {err}") from None
        if "://" in self.runtime_endpoint.removeprefix("unix://"):
            # kubernetes/cri-client pkg/util/util_unix.go
            raise ConfigError(
                f"--container-runtime-endpoint: {self.container_runtime_endpoint}:"
                " only support unix socket endpoint"
            )
        self._check_logs()

    @property
    def runtime_endpoint(self) -> str:
        """The CRI socket as a URL. A bare path is taken, as by the real kubelet."""
        given = self.container_runtime_endpoint
        return given if "://" in given else f"unix://{given}"

    def _check_logs(self) -> None:
        # Source: pkg/kubelet/apis/config/validation and NewContainerLogManager.
        if self.container_log_max_files <= 1:
            files = self.container_log_max_files
            raise ConfigError(f"invalid MaxFiles {files}, must be > 1")
        if self.container_log_max_workers < 1:
            raise ConfigError(
                "invalid configuration: containerLogMaxWorkers must be greater than or"
                " equal to 1"
            )
        if self.container_log_monitor_interval < _LEAST_LOG_INTERVAL:
            raise ConfigError(
                "invalid configuration: containerLogMonitorInterval must be a positive"
                " time duration greater than or equal to 3s"
            )
        self.container_log_bytes()

    def container_log_bytes(self) -> int:
        """`container_log_max_size` in bytes; negative: logs are never rotated.

        Raises:
            ConfigError: it is no quantity.
        """
        from apimachinery.quantity import Quantity  # 10 ms that `--help` need not pay

        size = self.container_log_max_size
        try:
            return Quantity.parse(size).value()
        except ValueError as err:
            text = f'failed to parse container log max size "{size}": {err}'
            raise ConfigError(text) from None

    def enabled(self, gate: str) -> bool:
        """Whether a feature gate is on."""
        return FeatureGates.of(self.feature_gates).enabled(gate, self.minor)

    def to_kubelet_configuration(self) -> JsonObject:
        """As /configz shows it: the real names, durations in Go's words."""
        return {
            "address": self.address,
            "port": self.port,
            "readOnlyPort": self.read_only_port,
            "tlsCertFile": self.tls_cert_file,
            "tlsPrivateKeyFile": self.tls_private_key_file,
            "authentication": {
                "x509": {"clientCAFile": self.client_ca_file},
                "webhook": {
                    "enabled": self.authentication_token_webhook,
                    "cacheTTL": "2m0s",
                },
                "anonymous": {"enabled": self.anonymous_auth},
            },
            "authorization": {
                "mode": self.authorization_mode,
                "webhook": {
                    "cacheAuthorizedTTL": "5m0s",
                    "cacheUnauthorizedTTL": "30s",
                },
            },
            "healthzPort": self.healthz_port,
            "healthzBindAddress": self.healthz_bind_address,
            "clusterDomain": self.cluster_domain,
            "clusterDNS": list(self.cluster_dns),
            "streamingConnectionIdleTimeout": "4h0m0s",
            "nodeStatusReportFrequency": "5m0s",
            "nodeLeaseDurationSeconds": 40,
            "maxPods": self.max_pods,
            "resolvConf": self.resolv_conf,
            "serializeImagePulls": self.serialize_image_pulls,
            "enableDebuggingHandlers": self.enable_debugging_handlers,
            "enableSystemLogHandler": self.enable_system_log_handler,
            "configMapAndSecretChangeDetectionStrategy": "Cache",
            "featureGates": dict(self.feature_gates),
            "containerLogMaxSize": self.container_log_max_size,
            "containerLogMaxFiles": self.container_log_max_files,
            "containerLogMaxWorkers": self.container_log_max_workers,
            "containerLogMonitorInterval": format_duration(
                self.container_log_monitor_interval
            ),
            "podLogsDir": self.pod_logs_dir,
            "staticPodPath": self.pod_manifest_path,
            "fileCheckFrequency": format_duration(self.file_check_frequency),
            "nodeStatusUpdateFrequency": format_duration(
                self.node_status_update_frequency
            ),
            "containerRuntimeEndpoint": self.container_runtime_endpoint,
            "registerNode": True,
        }

    def with_given(self, given: Mapping[str, Any]) -> KubeletConfig:
        """These settings, with some replaced; names not of ours are ignored."""
        known = {entry.name for entry in fields(self)}
        return replace(self, **{k: v for k, v in given.items() if k in known})
