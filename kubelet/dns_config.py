"""Name servers of a pod.

Source: kubernetes/kubernetes pkg/kubelet/network/dns/dns.go (GetPodDNS).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubelet import pod as pods

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["DnsSettings", "parse_resolv_conf", "pod_dns"]


@dataclass(frozen=True, slots=True)
class DnsSettings:
    servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = field(default=())


def parse_resolv_conf(text: str) -> DnsSettings:
    """The host's settings; later `search` lines win, as in resolv.conf(5)."""
    servers: list[str] = []
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    for line in text.splitlines():
        words = line.split()
        if not words or words[0][0] in "#;":
            continue
        match words[0]:
            case "nameserver" if len(words) > 1:
                servers.append(words[1])
            case "search":
                searches = tuple(words[1:])
            case "options":
                options = tuple(words[1:])
    return DnsSettings(tuple(servers), searches, options)


def pod_dns(
    pod: JsonObject,
    host: DnsSettings,
    cluster_servers: tuple[str, ...],
    cluster_domain: str,
) -> DnsSettings:
    """By dnsPolicy, then what the pod's own dnsConfig adds.

    Without a cluster DNS, ClusterFirst falls back to the host's settings.
    """
    policy = pod["spec"].get("dnsPolicy") or "ClusterFirst"
    if policy == "ClusterFirst" and pods.uses_host_network(pod):
        policy = "Default"
    if policy == "None":
        settings = DnsSettings()
    elif policy.startswith("ClusterFirst") and cluster_servers:
        settings = DnsSettings(
            cluster_servers,
            (*_cluster_searches(pod, cluster_domain), *host.searches),
            ("ndots:5",),
        )
    else:
        settings = host
    return _merged(settings, pod["spec"].get("dnsConfig") or {})


def _cluster_searches(pod: JsonObject, domain: str) -> tuple[str, ...]:
    if not domain:
        return ()
    return f"{pods.namespace(pod)}.svc.{domain}", f"svc.{domain}", domain


def _merged(settings: DnsSettings, own: JsonObject) -> DnsSettings:
    options = {option.partition(":")[0]: option for option in settings.options}
    for option in own.get("options") or []:
        value = option.get("value")
        name = option["name"]
        options[name] = f"{name}:{value}" if value else name
    return DnsSettings(
        tuple(dict.fromkeys((*settings.servers, *(own.get("nameservers") or ())))),
        tuple(dict.fromkeys((*settings.searches, *(own.get("searches") or ())))),
        tuple(options.values()),
    )
