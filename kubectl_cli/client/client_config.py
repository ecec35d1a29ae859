"""Where the kubeconfig comes from, and what the command line changes in it.

Source: kubernetes/client-go tools/clientcmd (loading rules), kubernetes/cli-runtime
pkg/genericclioptions/config_flags.go.
"""

from __future__ import annotations

import os

from apimachinery.kubeconfig import (
    ClientConfig,
    InvalidConfigurationError,
    Kubeconfig,
    KubeconfigError,
    MissingStanzaError,
    Overrides,
    load,
    load_file,
    resolve,
)
from kubectl_cli.errors import CommandError, ConfigurationInvalidError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kubectl_cli.flags import Options

__all__ = [
    "config_paths",
    "load_client_config",
    "load_kubeconfig",
    "request_timeout",
]

_SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_CLUSTER_FLAGS = ("server", "certificate-authority", "tls-server-name")
_USER_FLAGS = ("client-certificate", "client-key", "username", "password", "token")


def config_paths(options: Options) -> list[str]:
    """The files to read: --kubeconfig alone, else $KUBECONFIG, else ~/.kube/config."""
    if path := options.text("kubeconfig"):
        return [path]
    if listed := os.environ.get("KUBECONFIG"):
        return [path for path in listed.split(os.pathsep) if path]
    return [os.path.join(os.path.expanduser("~"), ".kube", "config")]


def load_kubeconfig(options: Options, *, must_exist: bool = True) -> Kubeconfig:
    """All files merged; a file named by --kubeconfig has to exist, unless it is edited."""
    try:
        path = options.text("kubeconfig")
        if path and must_exist:
            return load_file(path)
        return load(config_paths(options))
    except FileNotFoundError as error:
        raise CommandError(
            f"stat {error.filename}: no such file or directory"
        ) from None
    except KubeconfigError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        problem = str(error.strerror).lower()
        raise CommandError(
            f'error loading config file "{error.filename}": open {error.filename}:'
            f" {problem}"
        ) from None


def load_client_config(
    options: Options, *, for_namespace: bool = False
) -> ClientConfig:
    """The context to use. Without any configuration: in-cluster, else localhost:8080.

    `for_namespace`: its namespace is asked for first, so errors are those of that.
    """
    request_timeout(options)
    kubeconfig = load_kubeconfig(options)
    try:
        config = resolve(kubeconfig, _overrides(options))
    except InvalidConfigurationError as error:
        raise ConfigurationInvalidError(error.reasons) from None
    except MissingStanzaError as error:
        raise (
            _of_namespace(error) if for_namespace else CommandError(str(error))
        ) from None
    except KubeconfigError as error:
        raise CommandError(str(error)) from None
    if not config.server:
        config = _without_server(config, kubeconfig, options)
    _check_files(config)
    return config


def _of_namespace(error: MissingStanzaError) -> CommandError:
    """Source: kubernetes/client-go tools/clientcmd client_config.go (Namespace), which
    asks validation.go (ConfirmUsable) first."""
    if error.kind == "context":
        reason = f"context was not found for specified context: {error.name}"
        return ConfigurationInvalidError([reason])
    if error.kind == "cluster":
        return CommandError(f'no server found for cluster "{error.name}"')
    return CommandError(str(error))


def _overrides(options: Options) -> Overrides:
    cluster: list[tuple[str, Any]] = [
        (name, options.text(name)) for name in _CLUSTER_FLAGS if options.text(name)
    ]
    if options.changed("insecure-skip-tls-verify"):
        name = "insecure-skip-tls-verify"
        cluster.append((name, options.flag(name)))
    return Overrides(
        context=options.text("context"),
        cluster=options.text("cluster"),
        # that of `create rolebinding` is about somebody else
        user=options.text("user") if options.is_text("user") else "",
        namespace=options.text("namespace"),
        cluster_fields=tuple(cluster),
        user_fields=tuple(_user_overrides(options)),
    )


def _user_overrides(options: Options) -> list[tuple[str, Any]]:
    fields: list[tuple[str, Any]] = [
        (name, options.text(name)) for name in _USER_FLAGS if options.text(name)
    ]
    if options.text("token"):
        fields.append(("tokenFile", ""))
    fields += [
        (f"{flag}-data", "")
        for flag in ("client-certificate", "client-key")
        if options.text(flag)
    ]
    fields += [(f, options.text(f)) for f in ("as", "as-uid") if options.text(f)]
    if groups := options.items("as-group"):
        fields.append(("as-groups", groups))
    if extras := options.items("as-user-extra"):
        fields.append(("as-user-extra", _extras(extras)))
    return fields


def _extras(items: list[str]) -> dict[str, list[str]]:
    extra: dict[str, list[str]] = {}
    for item in items:
        key, _, value = item.partition("=")
        extra.setdefault(key, []).append(value)
    return extra


def _without_server(
    config: ClientConfig, kubeconfig: Kubeconfig, options: Options
) -> ClientConfig:
    from wire.records import replace

    host = os.environ.get("KUBERNETES_SERVICE_HOST")
    if host and not kubeconfig.contexts and os.path.exists(f"{_SERVICE_ACCOUNT}/token"):
        return _in_cluster(config, host, options)
    return replace(config, server="http://localhost:8080")


def _in_cluster(config: ClientConfig, host: str, options: Options) -> ClientConfig:
    """Inside a pod: the service of the API server, as the pod's service account.

    Source: kubernetes/client-go rest/config.go InClusterConfig.
    """
    from wire.records import replace

    port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    namespace = options.text("namespace")
    if not namespace:
        with open(f"{_SERVICE_ACCOUNT}/namespace", encoding="utf-8") as stream:
            namespace = stream.read().strip()
    return replace(
        config,
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        certificate_authority=f"{_SERVICE_ACCOUNT}/ca.crt",
        token_file=f"{_SERVICE_ACCOUNT}/token",
        namespace=namespace or "default",
    )


def _check_files(config: ClientConfig) -> None:
    """Files that are named must be there.

    Source: kubernetes/client-go tools/clientcmd/validation.go.
    """
    reasons = []
    pairs = (
        ("certificate-authority", config.certificate_authority, config.cluster_name),
        ("client-cert", config.client_certificate, config.user_name),
        ("client-key", config.client_key, config.user_name),
    )
    for label, path, name in pairs:
        if problem := _cannot_open(path):
            reasons.append(
                f"unable to read {label} {path} for {name} due to open {path}: {problem}"
            )
    if not reasons:
        return
    if len(reasons) == 1:
        raise CommandError(reasons[0])
    raise ConfigurationInvalidError(reasons)


def _cannot_open(path: str) -> str:
    if not path or os.access(path, os.R_OK):
        return ""
    exists = os.path.exists(path)
    return "permission denied" if exists else "no such file or directory"


def request_timeout(options: Options) -> float:
    """Seconds of --request-timeout; 0 is for ever. A bare number is seconds."""
    text = options.text("request-timeout")
    if text.isdigit():
        return float(text)
    from apimachinery.go_duration import parse_duration

    try:
        return parse_duration(text)
    except ValueError:
        raise CommandError(
            "Invalid timeout value. Timeout must be a single integer in seconds, or an"
            " integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)"
        ) from None
