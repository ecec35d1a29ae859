"""Services, described.

Source: kubernetes/kubectl pkg/describe/describe.go (describeService,
formatEndpointSlices) of 1.36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.describe.writer import Description

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["describe_service", "format_endpoints"]

_MOST_ENDPOINTS = 3
#: Title and field of what is told only where it is set, below the ports.
_BELOW_PORTS = (
    ("Session Affinity", "sessionAffinity"),
    ("External Traffic Policy", "externalTrafficPolicy"),
    ("Internal Traffic Policy", "internalTrafficPolicy"),
    ("HealthCheck NodePort", "healthCheckNodePort"),
)


def describe_service(
    obj: JsonObject, slices: list[JsonObject], events: list[JsonObject] | None
) -> str:
    """The service with the addresses behind each port."""
    out, spec = Description(), obj.get("spec") or {}
    metadata = obj["metadata"]
    out.line(f"Name:\t{metadata['name']}")
    out.line(f"Namespace:\t{metadata.get('namespace') or ''}")
    out.labels("Labels", metadata.get("labels"))
    out.annotations(metadata.get("annotations"))
    out.line(f"Selector:\t{_selector(spec.get('selector'))}")
    out.line(f"Type:\t{spec.get('type') or ''}")
    _addresses(out, spec)
    _load_balancer(out, obj)
    for port in spec.get("ports") or ():
        _port(out, port, slices)
    for title, field in _BELOW_PORTS:
        if value := spec.get(field):
            out.line(f"{title}:\t{value}")
    if ranges := spec.get("loadBalancerSourceRanges"):
        out.line(f"LoadBalancer Source Ranges:\t{','.join(ranges)}")
    out.events(events)
    return out.render()


def _selector(labels: dict[str, str] | None) -> str:
    pairs = (f"{key}={value}" for key, value in sorted((labels or {}).items()))
    return ",".join(pairs) or "<none>"


def _addresses(out: Description, spec: JsonObject) -> None:
    if policy := spec.get("ipFamilyPolicy"):
        out.line(f"IP Family Policy:\t{policy}")
    out.line(f"IP Families:\t{','.join(spec.get('ipFamilies') or ()) or '<none>'}")
    out.line(f"IP:\t{spec.get('clusterIP') or ''}")
    out.line(f"IPs:\t{','.join(spec.get('clusterIPs') or ()) or '<none>'}")
    if outside := spec.get("externalIPs"):
        out.line(f"External IPs:\t{','.join(outside)}")
    if wanted := spec.get("loadBalancerIP"):
        out.line(f"Desired LoadBalancer IP:\t{wanted}")
    if name := spec.get("externalName"):
        out.line(f"External Name:\t{name}")


def _load_balancer(out: Description, obj: JsonObject) -> None:
    balancer = (obj.get("status") or {}).get("loadBalancer") or {}
    shown = []
    for each in balancer.get("ingress") or ():
        mode = f" ({each['ipMode']})" if each.get("ipMode") else ""
        shown.append(f"{each['ip']}{mode}" if each.get("ip") else each.get("hostname"))
    if shown:
        out.line(f"LoadBalancer Ingress:\t{', '.join(map(str, shown))}")


def _port(out: Description, port: JsonObject, slices: list[JsonObject]) -> None:
    name, protocol = port.get("name") or "<unset>", port.get("protocol") or "TCP"
    out.line(f"Port:\t{name}\t{port['port']}/{protocol}")
    out.line(f"TargetPort:\t{port.get('targetPort') or port['port']}/{protocol}")
    if port.get("nodePort"):
        out.line(f"NodePort:\t{name}\t{port['nodePort']}/{protocol}")
    out.line(f"Endpoints:\t{format_endpoints(port.get('name') or '', slices)}")


def format_endpoints(port_name: str, slices: list[JsonObject]) -> str:
    """`10.0.0.1:80,10.0.0.2:80 + 3 more...`: those that are ready."""
    found: list[str] = []
    for each in slices:
        for port in each.get("ports") or ():
            if (port.get("name") or "") != port_name or port.get("port") is None:
                continue
            for endpoint in each.get("endpoints") or ():
                if (endpoint.get("conditions") or {}).get("ready", True) is not False:
                    host = (endpoint.get("addresses") or [""])[0]
                    host = f"[{host}]" if ":" in host else host
                    found.append(f"{host}:{port['port']}")
    if not found:
        return "<none>"
    text = ",".join(found[:_MOST_ENDPOINTS])
    more = len(found) - _MOST_ENDPOINTS
    return f"{text} + {more} more..." if more > 0 else text
