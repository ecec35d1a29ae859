"""Ingresses, their classes, and network policies, described.

Source: kubernetes/kubectl pkg/describe/describe.go (describeIngressV1,
describeIngressClassV1, describeNetworkPolicy).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.describe.writer import Description
from kubectl_cli.selecting.pods import format_selector

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject

    #: What stands behind a service: `10.0.0.1:8080`, or an error.
    Endpoints = Callable[[JsonObject], str]

__all__ = ["describe_ingress", "describe_ingress_class", "describe_network_policy"]

#: Where the rules of a policy stand, what its peers are called, what `any` means.
_DIRECTIONS = {
    "ingress": ("from", "From", "source"),
    "egress": ("to", "To", "destination"),
}


def describe_ingress(
    obj: JsonObject, endpoints: Endpoints, events: list[JsonObject] | None
) -> str:
    """The ingress with what stands behind each path."""
    out, spec, metadata = Description(), obj.get("spec") or {}, obj["metadata"]
    out.line(f"Name:\t{metadata['name']}")
    out.labels("Labels", metadata.get("labels"))
    out.line(f"Namespace:\t{metadata.get('namespace') or ''}")
    balancer = (obj.get("status") or {}).get("loadBalancer") or {}
    points = balancer.get("ingress") or ()
    addresses = {each.get("ip") or each.get("hostname") or "" for each in points}
    out.line(f"Address:\t{','.join(sorted(addresses))}")
    out.line(f"Ingress Class:\t{spec.get('ingressClassName') or '<none>'}")
    default = "<default>"
    if spec.get("defaultBackend"):
        default = _backend(spec["defaultBackend"], endpoints)
    out.line(f"Default backend:\t{default}")
    _tls(out, spec.get("tls") or [])
    out.line("Rules:")
    out.line("Host\tPath\tBackends", 1)
    out.line("----\t----\t--------", 1)
    rules = [rule for rule in spec.get("rules") or () if rule.get("http")]
    for rule in rules:
        out.line(f"{rule.get('host') or '*'}\t", 1)
        for path in rule["http"].get("paths") or ():
            backend = _backend(path.get("backend") or {}, endpoints)
            out.line(f"\t{path.get('path') or ''} \t{backend}", 2)
    if not rules:
        out.line(f"*\t*\t{default}", 1)
    out.annotations(metadata.get("annotations"))
    out.events(events)
    return out.render()


def _tls(out: Description, entries: list[JsonObject]) -> None:
    if entries:
        out.line("TLS:")
    for entry in entries:
        hosts = ",".join(entry.get("hosts") or ())
        secret = entry.get("secretName")
        out.line(f"{secret} terminates {hosts}" if secret else f"SNI routes {hosts}", 1)


def _backend(backend: JsonObject, endpoints: Endpoints) -> str:
    if service := backend.get("service"):
        port = service.get("port") or {}
        shown = port.get("number") or port.get("name") or ""
        return f"{service.get('name')}:{shown} ({endpoints(service)})"
    if resource := backend.get("resource"):
        group = resource.get("apiGroup")
        return (
            f"APIGroup: {'<none>' if group is None else group}, Kind:"
            f" {resource.get('kind')}, Name: {resource.get('name')}"
        )
    return ""


def describe_ingress_class(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """Who serves the ingresses of the class."""
    out, spec, metadata = Description(), obj.get("spec") or {}, obj["metadata"]
    out.line(f"Name:\t{metadata['name']}")
    out.labels("Labels", metadata.get("labels"))
    out.annotations(metadata.get("annotations"))
    out.line(f"Controller:\t{spec.get('controller') or ''}")
    out.reference("Parameters", spec.get("parameters"))
    out.events(events)
    return out.render()


def describe_network_policy(obj: JsonObject, _events: None) -> str:
    """What the selected pods may receive and send; kubectl shows no events."""
    from datetime import datetime

    out, spec, metadata = Description(), obj.get("spec") or {}, obj["metadata"]
    out.line(f"Name:\t{metadata['name']}")
    out.line(f"Namespace:\t{metadata.get('namespace') or ''}")
    created = datetime.fromisoformat(metadata["creationTimestamp"]).astimezone()
    out.line(f"Created on:\t{created:%Y-%m-%d %H:%M:%S %z %Z}")
    out.labels("Labels", metadata.get("labels"))
    out.annotations(metadata.get("annotations"))
    out.line("Spec:")
    pods = format_selector(spec.get("podSelector") or {})
    every = "<none> (Allowing the specific traffic to all pods in this namespace)"
    out.line(f"PodSelector:     {pods or every}", 1)
    types = spec.get("policyTypes") or []
    for direction in _DIRECTIONS:
        if direction.title() in types:
            out.line(f"Allowing {direction} traffic:", 1)
            _rules(out, spec.get(direction) or [], direction)
        else:
            out.line(f"Not affecting {direction} traffic", 1)
    out.line(f"Policy Types: {', '.join(types) or '<none>'}", 1)
    return out.render()


def _rules(out: Description, rules: list[JsonObject], direction: str) -> None:
    if not rules:
        isolated = f"Selected pods are isolated for {direction} connectivity"
        out.line(f"<none> ({isolated})", 2)
    key, title, end = _DIRECTIONS[direction]
    for index, rule in enumerate(rules):
        if index:
            out.line("----------", 2)
        for port in rule.get("ports") or ():
            out.line(_port(port), 2)
        if not rule.get("ports"):
            out.line("To Port: <any> (traffic allowed to all ports)", 2)
        for peer in rule.get(key) or ():
            out.line(f"{title}:", 2)
            _peer(out, peer)
        if not rule.get(key):
            out.line(f"{title}: <any> (traffic not restricted by {end})", 2)


def _port(port: JsonObject) -> str:
    number, protocol = port.get("port", "<nil>"), port.get("protocol") or "TCP"
    if port.get("endPort") is not None:
        return f"To Port Range: {number}-{port['endPort']}/{protocol}"
    return f"To Port: {number}/{protocol}"


def _peer(out: Description, peer: JsonObject) -> None:
    selectors = [
        (key[0].upper() + key[1:], peer[key])
        for key in ("namespaceSelector", "podSelector")
        if peer.get(key) is not None
    ]
    for title, selector in selectors:
        out.line(f"{title}: {format_selector(selector) or '<none>'}", 3)
    block = peer.get("ipBlock")
    if block and not selectors:
        out.line("IPBlock:", 3)
        out.line(f"CIDR: {block.get('cidr')}", 4)
        out.line(f"Except: {', '.join(block.get('except') or ())}", 4)
