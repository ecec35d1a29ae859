"""Credential plugins: a program that prints an ExecCredential.

Source: kubernetes/client-go plugin/pkg/client/auth/exec/exec.go.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from hops.blocking.responses import RequestError

if TYPE_CHECKING:
    from apimachinery.kubeconfig import ClientConfig
    from apimachinery.types import JsonObject

__all__ = ["run_plugin"]


def run_plugin(plugin: JsonObject, config: ClientConfig) -> JsonObject:
    """Run it; the `status` of the ExecCredential it prints.

    Raises:
        RequestError: it failed; kubectl shows it as a failure to reach the server.
    """
    interactive = _is_interactive(plugin, config)
    info: JsonObject = {
        "kind": "ExecCredential",
        "apiVersion": plugin.get("apiVersion"),
        "spec": {"interactive": interactive},
    }
    if plugin.get("provideClusterInfo"):
        info["spec"]["cluster"] = _cluster_info(config)
    environment = dict(os.environ)
    for pair in plugin.get("env") or ():
        environment[str(pair["name"])] = str(pair["value"])
    environment["KUBERNETES_EXEC_INFO"] = json.dumps(info)
    command = [plugin["command"], *(plugin.get("args") or ())]
    try:
        result = subprocess.run(
            command,
            env=environment,
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
        )
    except OSError as error:
        raise _failure(config, _start_text(plugin, error)) from None
    if result.returncode:
        name = os.path.basename(plugin["command"])
        raise _failure(
            config, f"exec: executable {name} failed with exit code {result.returncode}"
        )
    return _status_of(result.stdout, plugin, config)


def _is_interactive(plugin: JsonObject, config: ClientConfig) -> bool:
    mode = plugin.get("interactiveMode") or "IfAvailable"
    terminal = sys.stdin is not None and sys.stdin.isatty()
    if mode == "Always" and not terminal:
        raise _failure(
            config,
            "exec plugin cannot support interactive mode: standard input is not a"
            " terminal",
        )
    return mode != "Never" and terminal


def _start_text(plugin: JsonObject, error: OSError) -> str:
    command = plugin["command"]
    problem = (error.strerror or str(error)).lower()
    if "/" in command:
        text = f"exec: fork/exec {command}: {problem}"
    else:
        text = f"exec: executable {command} not found"
    if hint := plugin.get("installHint"):
        text += (
            "\n\nIt looks like you are trying to use a client-go credential plugin that"
            f" is not installed.\n\n{hint}"
        )
    return text


def _status_of(output: bytes, plugin: JsonObject, config: ClientConfig) -> JsonObject:
    try:
        credential = json.loads(output)
    except ValueError as error:
        raise _failure(config, f"decoding stdout: {error}") from None
    if credential.get("apiVersion") != plugin.get("apiVersion"):
        raise _failure(
            config,
            "exec plugin is configured to use API version"
            f" {plugin.get('apiVersion')}, plugin returned version"
            f" {credential.get('apiVersion')}",
        )
    status: JsonObject | None = credential.get("status")
    if not status:
        raise _failure(config, "exec plugin didn't return a status field")
    if not status.get("token") and not status.get("clientCertificateData"):
        raise _failure(config, "exec plugin didn't return a token or cert/key pair")
    if bool(status.get("clientCertificateData")) != bool(status.get("clientKeyData")):
        raise _failure(config, "exec plugin returned only certificate or key, not both")
    return status


def _cluster_info(config: ClientConfig) -> JsonObject:
    import base64

    info: JsonObject = {"server": config.server}
    if config.tls_server_name:
        info["tls-server-name"] = config.tls_server_name
    if config.insecure_skip_tls_verify:
        info["insecure-skip-tls-verify"] = True
    authority = config.certificate_authority_data
    if not authority and config.certificate_authority:
        with open(config.certificate_authority, "rb") as stream:
            authority = stream.read()
    if authority:
        info["certificate-authority-data"] = base64.b64encode(authority).decode()
    if config.proxy_url:
        info["proxy-url"] = config.proxy_url
    info["config"] = config.extensions.get("client.authentication.k8s.io/exec")
    return info


def _failure(config: ClientConfig, text: str) -> RequestError:
    return RequestError(
        f"getting credentials: {text}",
        host=config.server,
        method="Get",
        url=config.server,
    )
