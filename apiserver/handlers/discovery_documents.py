"""Discovery documents, built from the resource registry.

Source: kubernetes/apiserver pkg/endpoints/discovery and discovery/aggregated.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from apiserver.resources.registry import Registry, Resource, Subresource

__all__ = [
    "aggregated_discovery",
    "api_group",
    "api_group_list",
    "api_resource_list",
    "api_versions",
]


def api_versions(server_address: str) -> JsonObject:
    """Plain `/api`."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [
            {"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}
        ],
    }


def api_group_list(registry: Registry) -> JsonObject:
    """Plain `/apis`."""
    groups = [_group_entry(registry, group) for group in registry.groups() if group]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def api_group(registry: Registry, group: str) -> JsonObject:
    """`/apis/GROUP`."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group_entry(registry, group)}


def _group_entry(registry: Registry, group: str) -> JsonObject:
    versions = [
        {"groupVersion": f"{group}/{version}", "version": version}
        for version in registry.versions(group)
    ]
    return {"name": group, "versions": versions, "preferredVersion": versions[0]}


def api_resource_list(registry: Registry, group: str, version: str) -> JsonObject:
    """`/api/v1` and `/apis/GROUP/VERSION`."""
    entries: list[JsonObject] = []
    for name, resource in sorted(registry.versions(group)[version].items()):
        entries.append(_resource_entry(name, resource))
        entries.extend(
            _subresource_entry(resource, subresource)
            for subresource in sorted(resource.subresources, key=lambda s: s.name)
        )
    group_version = f"{group}/{version}" if group else version
    document: JsonObject = {"kind": "APIResourceList"}
    # The core group's list has no apiVersion of its own: it predates versioning.
    if group:
        document["apiVersion"] = "v1"
    return {**document, "groupVersion": group_version, "resources": entries}


def _resource_entry(name: str, resource: Resource) -> JsonObject:
    entry: JsonObject = {
        "name": name,
        "singularName": resource.singular_name,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": sorted(resource.verbs),
        **_names(resource),
    }
    if resource.action == "object":
        entry["storageVersionHash"] = storage_version_hash(resource)
    return entry


def _names(resource: Resource) -> JsonObject:
    names: JsonObject = {}
    if resource.short_names:
        names["shortNames"] = list(resource.short_names)
    if resource.categories:
        names["categories"] = list(resource.categories)
    return names


def _subresource_entry(resource: Resource, subresource: Subresource) -> JsonObject:
    entry: JsonObject = {
        "name": f"{resource.resource}/{subresource.name}",
        "singularName": "",
        "namespaced": resource.namespaced,
    }
    if subresource.group:
        entry |= {"group": subresource.group, "version": subresource.version}
    entry["kind"] = subresource.kind or resource.kind
    entry["verbs"] = sorted(subresource.verbs)
    return entry


def storage_version_hash(resource: Resource) -> str:
    """The first 8 bytes of SHA-256 over `group/version/kind` of the stored form.

    Source: kubernetes/apiserver pkg/endpoints/discovery/storageversionhash.go.
    """
    stored = (
        resource.stored_as.api_version if resource.stored_as else resource.group_version
    )
    group, _, version = stored.rpartition("/")
    digest = hashlib.sha256(f"{group}/{version}/{resource.kind}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()


def aggregated_discovery(
    registry: Registry, *, core: bool, api_version: str
) -> JsonObject:
    """APIGroupDiscoveryList for `/api` (the core group) or `/apis` (all others)."""
    items = [
        {
            "metadata": {"name": group} if group else {},
            "versions": [
                {
                    "version": version,
                    "resources": [
                        _discovered(resource)
                        for _, resource in sorted(resources.items())
                    ],
                    "freshness": "Current",
                }
                for version, resources in registry.versions(group).items()
            ],
        }
        for group in registry.groups()
        if (not group) == core
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{api_version}",
        "metadata": {},
        "items": items,
    }


def _discovered(resource: Resource) -> JsonObject:
    entry: JsonObject = {
        "resource": resource.resource,
        "responseKind": _response_kind("", "", resource.kind),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular_name,
        "verbs": sorted(resource.verbs),
        **_names(resource),
    }
    if resource.subresources:
        entry["subresources"] = [
            {
                "subresource": s.name,
                "responseKind": _response_kind(
                    s.group, s.version, s.kind or resource.kind
                ),
                "verbs": sorted(s.verbs),
            }
            for s in sorted(resource.subresources, key=lambda s: s.name)
        ]
    return entry


def _response_kind(group: str, version: str, kind: str) -> JsonObject:
    """Group and version stay empty when they are those of the list they stand in."""
    return {"group": group, "version": version, "kind": kind}
