"""What a server serves: aggregated discovery, the older form, and a cache on disk.

Source: kubernetes/client-go discovery/discovery_client.go (Accept header, both
forms), discovery/cached/disk (the folder; 6 h as in kubectl).
"""

from __future__ import annotations

import contextlib
import json
import os
import time

from apimachinery.status import StatusError
from kubectl_cli.client.rest import ACCEPT_REST
from kubectl_cli.selecting.resources import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import RestClient

__all__ = ["ApiGroups", "discover", "fetch"]

_ACCEPT = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"
)
_MAX_AGE = 6 * 3600.0  # seconds
_TIMEOUT = [("timeout", "32s")]


class ApiGroups:
    """The resources in the server's order, and each group version it serves."""

    def __init__(self) -> None:
        self.resources: list[Resource] = []
        self.versions: list[str] = []
        self.preferred: set[str] = set()

    def add_version(self, group: str, version: str, *, preferred: bool) -> None:
        name = f"{group}/{version}" if group else version
        self.versions.append(name)
        if preferred:
            self.preferred.add(name)


def discover(factory: Factory, *, fresh: bool) -> tuple[list[Resource], bool]:
    """The preferred version of each resource, and whether the server was asked."""
    path = _cache_path(factory)
    if not fresh and (cached := _read_cache(path)) is not None:
        return cached, False
    groups = fetch(factory.client)
    resources = _by_preference(groups)
    _write_cache(path, resources)
    return resources, True


def _by_preference(groups: ApiGroups) -> list[Resource]:
    """Preferred versions first, so that a bare name finds them."""
    return sorted(
        groups.resources, key=lambda each: each.api_version not in groups.preferred
    )


def fetch(client: RestClient) -> ApiGroups:
    """Ask the server, in the aggregated form if it has it."""
    groups = ApiGroups()
    core = client.get("/api", _TIMEOUT, accept=_ACCEPT)
    if core.get("kind") == "APIGroupDiscoveryList":
        _add_aggregated(groups, core)
        _add_aggregated(groups, client.get("/apis", _TIMEOUT, accept=_ACCEPT))
        return groups
    for version in core.get("versions") or ():
        groups.add_version("", version, preferred=True)
        _add_list(groups, client, f"/api/{version}", "", version)
    _add_groups(groups, client)
    return groups


def _add_groups(groups: ApiGroups, client: RestClient) -> None:
    """The unaggregated form: one request a group version."""
    for group in client.get("/apis", _TIMEOUT, accept=_ACCEPT).get("groups") or ():
        preferred = (group.get("preferredVersion") or {}).get("groupVersion")
        for each in group.get("versions") or ():
            is_preferred = each["groupVersion"] == preferred
            groups.add_version(group["name"], each["version"], preferred=is_preferred)
            path = f"/apis/{each['groupVersion']}"
            _add_list(groups, client, path, group["name"], each["version"])


def _add_list(
    groups: ApiGroups, client: RestClient, path: str, group: str, version: str
) -> None:
    try:
        listed = client.get(path, _TIMEOUT, accept=ACCEPT_REST)
    except StatusError:
        # An aggregated API whose server is down does not hide the others.
        return
    entries = listed.get("resources") or []
    subresources: dict[str, list[str]] = {}
    for entry in entries:
        name, slash, sub = entry["name"].partition("/")
        if slash:
            subresources.setdefault(name, []).append(sub)
    for entry in entries:
        if "/" not in entry["name"]:
            below = subresources.get(entry["name"], ())
            groups.resources.append(_from_list(entry, group, version, below))


def _from_list(
    entry: JsonObject, group: str, version: str, subresources: Iterable[str]
) -> Resource:
    return Resource(
        entry.get("group") or group,
        entry.get("version") or version,
        entry["name"],
        entry["kind"],
        bool(entry.get("namespaced")),
        entry.get("singularName") or entry["kind"].lower(),
        tuple(entry.get("shortNames") or ()),
        tuple(entry.get("categories") or ()),
        tuple(entry.get("verbs") or ()),
        tuple(subresources),
    )


def _add_aggregated(groups: ApiGroups, listed: JsonObject) -> None:
    for item in listed.get("items") or ():
        group = (item.get("metadata") or {}).get("name") or ""
        for index, version in enumerate(item.get("versions") or ()):
            name = version["version"]
            groups.add_version(group, name, preferred=index == 0)
            groups.resources += _from_aggregated(version, group, name)


def _from_aggregated(version: JsonObject, group: str, name: str) -> Iterator[Resource]:
    for entry in version.get("resources") or ():
        kind = (entry.get("responseKind") or {}).get("kind") or ""
        yield Resource(
            group,
            name,
            entry["resource"],
            kind,
            entry.get("scope") == "Namespaced",
            entry.get("singularResource") or kind.lower(),
            tuple(entry.get("shortNames") or ()),
            tuple(entry.get("categories") or ()),
            tuple(entry.get("verbs") or ()),
            tuple(s["subresource"] for s in entry.get("subresources") or ()),
        )


def _cache_path(factory: Factory) -> str:
    folder = factory.options.text("cache-dir") or os.environ.get("KUBECACHEDIR")
    if not folder:
        folder = os.path.join(os.path.expanduser("~"), ".kube", "cache")
    host = factory.config.server.partition("://")[2].rstrip("/")
    safe = "".join(c if c.isalnum() or c in ".-" else "_" for c in host)
    # Not kubectl's own folder: its files have another form.
    return os.path.join(folder, "mini-kubectl", f"{safe}.json")


def _read_cache(path: str) -> list[Resource] | None:
    try:
        if time.time() - os.stat(path).st_mtime > _MAX_AGE:
            return None
        with open(path, encoding="utf-8") as stream:
            rows: list[list[Any]] = json.load(stream)
        return [_from_row(row) for row in rows]
    except (OSError, ValueError, TypeError):
        return None


def _from_row(row: list[Any]) -> Resource:
    values: list[Any] = [tuple(e) if isinstance(e, list) else e for e in row]
    return Resource(*values)


def _write_cache(path: str, resources: Iterable[Resource]) -> None:
    """Replace the file at once; a cache that cannot be written is no cache."""
    rows = [[getattr(each, name) for name in Resource.__slots__] for each in resources]
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o750, exist_ok=True)
        temporary = f"{path}.{os.getpid()}"
        with open(temporary, "w", encoding="utf-8") as stream:
            json.dump(rows, stream)
        os.replace(temporary, path)
