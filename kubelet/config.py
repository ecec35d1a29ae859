"""Settings of one kubelet: defaults < configuration file < command line.

Names in the file are those of KubeletConfiguration (kubelet.config.k8s.io/v1beta1), the
flags those of the real kubelet where it has them. Once a file is given, the stricter
defaults of the file's format hold, as in the real one: no anonymous requests, Webhook
authorization.

Source: kubernetes/kubernetes pkg/kubelet/apis/config/v1beta1/defaults.go,
cmd/kubelet/app/options/options.go.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apimachinery.types import JsonObject

__all__ = ["ConfigError", "KubeletConfig", "read_config_file"]

ALWAYS_ALLOW, WEBHOOK = "AlwaysAllow", "Webhook"


class ConfigError(ValueError):
    """A setting is missing or makes no sense."""


@dataclass(frozen=True, slots=True)
class KubeletConfig:
    """Everything that can be set. Durations in seconds, "" means not given."""

    hostname_override: str = ""
    node_ip: str = ""
    address: str = "0.0.0.0"  # noqa: S104 - the real default; `mini-kube up` gives loopback
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
    emulate_version: str = "1.36"
    trace_dir: str = ""
    admin_socket: str = ""
    verbosity: int = 0

    @property
    def node_name(self) -> str:
        """The node's name: lower case, as the API wants it."""
        return (self.hostname_override or socket.gethostname()).strip().lower()

    @property
    def minor(self) -> int:
        """The minor version whose behaviour is shown, such as 36."""
        return int(self.emulate_version.removeprefix("v").split(".")[1])

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
        parts = self.emulate_version.removeprefix("v").split(".")
        if len(parts) < 2 or not all(part.isdigit() for part in parts):
            raise ConfigError(
                f"--emulate-version: {self.emulate_version} is no version"
            )

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
            "nodeStatusUpdateFrequency": "10s",
            "nodeStatusReportFrequency": "5m0s",
            "nodeLeaseDurationSeconds": 40,
            "maxPods": self.max_pods,
            "resolvConf": self.resolv_conf,
            "serializeImagePulls": self.serialize_image_pulls,
            "enableDebuggingHandlers": self.enable_debugging_handlers,
            "enableSystemLogHandler": self.enable_system_log_handler,
            "configMapAndSecretChangeDetectionStrategy": "Cache",
            "podLogsDir": self.pod_logs_dir,
            "containerRuntimeEndpoint": self.container_runtime_endpoint,
            "registerNode": True,
        }

    def with_given(self, given: Mapping[str, Any]) -> KubeletConfig:
        """These settings, with some replaced; names not of ours are ignored."""
        known = {entry.name for entry in fields(self)}
        return replace(self, **{k: v for k, v in given.items() if k in known})


# Path in KubeletConfiguration -> our name.
_FILE_FIELDS = {
    "address": "address",
    "port": "port",
    "readOnlyPort": "read_only_port",
    "tlsCertFile": "tls_cert_file",
    "tlsPrivateKeyFile": "tls_private_key_file",
    "authentication.x509.clientCAFile": "client_ca_file",
    "authentication.webhook.enabled": "authentication_token_webhook",
    "authentication.anonymous.enabled": "anonymous_auth",
    "authorization.mode": "authorization_mode",
    "healthzPort": "healthz_port",
    "healthzBindAddress": "healthz_bind_address",
    "clusterDomain": "cluster_domain",
    "clusterDNS": "cluster_dns",
    "maxPods": "max_pods",
    "resolvConf": "resolv_conf",
    "serializeImagePulls": "serialize_image_pulls",
    "enableDebuggingHandlers": "enable_debugging_handlers",
    "enableSystemLogHandler": "enable_system_log_handler",
    "podLogsDir": "pod_logs_dir",
    "containerRuntimeEndpoint": "container_runtime_endpoint",
    "registerWithTaints": "register_with_taints",
    "providerID": "provider_id",
}
_FILE_DEFAULTS = {
    "anonymous_auth": False,
    "authentication_token_webhook": True,
    "authorization_mode": WEBHOOK,
    "healthz_port": 10248,
}


def read_config_file(path: str) -> dict[str, Any]:
    """The settings of a KubeletConfiguration file, under our names.

    Raises:
        ConfigError: it is not one. OSError: it cannot be read.
    """
    with open(path, encoding="utf-8") as file:
        text = file.read()
    document = _parse(text)
    if not isinstance(document, dict) or document.get("kind") != "KubeletConfiguration":
        raise ConfigError(f"{path}: expected kind KubeletConfiguration")
    given: dict[str, Any] = dict(_FILE_DEFAULTS)
    for where, name in _FILE_FIELDS.items():
        value: Any = document
        for step in where.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            given[name] = tuple(value) if isinstance(value, list) else value
    for name in ("tls_cert_file", "tls_private_key_file", "client_ca_file"):
        if given.get(name):
            given[name] = os.path.join(os.path.dirname(path), given[name])
    return given


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        import yaml  # 20 ms that JSON does not cost

        return yaml.safe_load(text)
