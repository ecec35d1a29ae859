"""`create service clusterip`, `nodeport`, `loadbalancer` and `externalname`.

Source: kubernetes/kubectl pkg/cmd/create/create_service.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_cli.creation import IMPERATIVE_FLAGS, create_in_namespace, only_name
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

_TYPES = {
    "create service clusterip": "ClusterIP",
    "create service externalname": "ExternalName",
    "create service loadbalancer": "LoadBalancer",
    "create service nodeport": "NodePort",
}
SUMMARY = {command: f"Create a {kind} service." for command, kind in _TYPES.items()}
USE = {
    command: f"{command} NAME [--tcp=port:targetPort] [--dry-run=server|client|none]"
    for command in _TYPES
}
FLAGS = (
    *IMPERATIVE_FLAGS,
    Flag("clusterip", help="clusterip: the address; None for a headless service."),
    Flag("external-name", help="externalname: the name that it stands for."),
    Flag("node-port", "int", 0, help="nodeport: the port on each node."),
    Flag("tcp", "slice", help="PORT or PORT:TARGET; may be repeated."),
)


def run(options: Options, factory: Factory) -> int:
    """POST the service."""
    command = factory.command
    kind = _TYPES[command]
    if kind == "ExternalName" and not options.changed("external-name"):
        raise CommandError('required flag(s) "external-name" not set')
    name = only_name(options, command)
    ports = [_port(text) for text in options.items("tcp")]
    headless = options.text("clusterip") == "None"
    if not ports and kind != "ExternalName" and not headless:
        raise CommandError("at least one tcp port specifier must be provided")
    spec: dict[str, Any] = {"selector": {"app": name}, "type": kind}
    if ports:
        spec["ports"] = ports
    for flag, field, owner in (
        ("clusterip", "clusterIP", "ClusterIP"),
        ("external-name", "externalName", "ExternalName"),
    ):
        if options.text(flag) and kind == owner:
            spec[field] = options.text(flag)
    if kind == "NodePort" and options.number("node-port"):
        for port in ports:
            port["nodePort"] = options.number("node-port")
    obj = {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": spec,
        "status": {"loadBalancer": {}},
    }
    return create_in_namespace(
        options,
        factory,
        "/api/v1",
        "services",
        obj,
        failure=f"failed to create {kind} service: ",
    )


def _port(text: str) -> dict[str, Any]:
    number, colon, target = text.partition(":")
    target = target if colon else number
    return {
        "name": text.replace(":", "-"),
        "protocol": "TCP",
        "port": _number(number),
        "targetPort": int(target) if target.isdecimal() else target,
    }


def _number(text: str) -> int:
    from apimachinery.go_text import quote

    if not text.isdecimal():
        raise CommandError(f"strconv.ParseUint: parsing {quote(text)}: invalid syntax")
    return int(text)
