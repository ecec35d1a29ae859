"""A KubeletConfiguration (kubelet.config.k8s.io/v1beta1), JSON or YAML.

Source: kubernetes/kubernetes pkg/kubelet/apis/config/v1beta1/{types,defaults}.go.
"""

from __future__ import annotations

import json
import os
from typing import Any

from apimachinery.go_duration import InvalidDurationError, parse_duration
from kubelet.config import WEBHOOK, ConfigError

__all__ = ["read_config_file"]

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
    "staticPodPath": "pod_manifest_path",
    "fileCheckFrequency": "file_check_frequency",
    "nodeStatusUpdateFrequency": "node_status_update_frequency",
    "containerRuntimeEndpoint": "container_runtime_endpoint",
    "containerLogMaxSize": "container_log_max_size",
    "containerLogMaxFiles": "container_log_max_files",
    "containerLogMaxWorkers": "container_log_max_workers",
    "containerLogMonitorInterval": "container_log_monitor_interval",
    "featureGates": "feature_gates",
    "registerWithTaints": "register_with_taints",
    "providerID": "provider_id",
}
_DURATIONS = {
    "container_log_monitor_interval",
    "file_check_frequency",
    "node_status_update_frequency",
}
_PATHS = (
    "tls_cert_file",
    "tls_private_key_file",
    "client_ca_file",
    "pod_manifest_path",
)
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
    for name in _DURATIONS & given.keys():
        given[name] = _seconds(path, str(given[name]))
    for name in _PATHS:
        if given.get(name):
            given[name] = os.path.join(os.path.dirname(path), given[name])
    return given


def _seconds(path: str, text: str) -> float:
    try:
        return parse_duration(text)
    except InvalidDurationError as err:
        raise ConfigError(f"{path}: {err}") from None


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        import yaml  # 20 ms that JSON does not cost

        return yaml.safe_load(text)
