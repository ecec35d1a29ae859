"""Endpoints and EndpointSlices, described.

Source: kubernetes/kubectl pkg/describe/describe.go (describeEndpoints,
describeEndpointSliceV1) of 1.36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.describe.writer import Description

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["describe_endpoint_slice", "describe_endpoints"]


def describe_endpoints(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """The addresses of each subset, ready and not, and its ports."""
    out = Description()
    out.identity(obj["metadata"])
    out.line("Subsets:")
    for subset in obj.get("subsets") or ():
        for title, key in (
            ("Addresses", "addresses"),
            ("NotReadyAddresses", "notReadyAddresses"),
        ):
            addresses = ",".join(each["ip"] for each in subset.get(key) or ())
            out.line(f"{title}:\t{addresses or '<none>'}", 1)
        if subset.get("ports"):
            out.line("Ports:", 1)
            _ports(out, subset["ports"], 2)
        out.line("")
    out.events(events)
    return out.render()


def describe_endpoint_slice(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """The ports, and what is known of each endpoint."""
    out = Description()
    out.identity(obj["metadata"])
    out.line(f"AddressType:\t{obj.get('addressType') or ''}")
    if obj.get("ports"):
        out.line("Ports:")
        _ports(out, obj["ports"], 1)
    else:
        out.line("Ports: <unset>")
    endpoints = obj.get("endpoints") or []
    out.line("Endpoints:" if endpoints else "Endpoints: <none>")
    for endpoint in endpoints:
        _endpoint(out, endpoint)
    out.events(events)
    return out.render()


def _ports(out: Description, ports: list[JsonObject], level: int) -> None:
    out.line("Name\tPort\tProtocol", level)
    out.line("----\t----\t--------", level)
    for port in ports:
        number = port.get("port", "<unset>")
        protocol = port.get("protocol") or ""
        out.line(f"{port.get('name') or '<unset>'}\t{number}\t{protocol}", level)


def _endpoint(out: Description, endpoint: JsonObject) -> None:
    addresses = ", ".join(endpoint.get("addresses") or ())
    out.line(f"- Addresses:\t{addresses or '<none>'}", 1)
    out.line("Conditions:", 2)
    ready = (endpoint.get("conditions") or {}).get("ready")
    out.line(f"Ready:\t{'<unset>' if ready is None else str(ready).lower()}", 3)
    out.line(f"Hostname:\t{endpoint.get('hostname') or '<unset>'}", 2)
    if target := endpoint.get("targetRef"):
        out.line(f"TargetRef:\t{target.get('kind')}/{target.get('name')}", 2)
    out.line(f"NodeName:\t{endpoint.get('nodeName') or '<unset>'}", 2)
    out.line(f"Zone:\t{endpoint.get('zone') or '<unset>'}", 2)
