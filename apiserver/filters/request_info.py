"""What a request asks for, read from its method, path and query.

Source: kubernetes/apiserver pkg/endpoints/request/requestinfo.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery import fields

if TYPE_CHECKING:
    from apimachinery.options import Query

__all__ = ["RequestInfo", "parse_request_info"]

_VERBS = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_PATH_VERBS = {"proxy", "watch"}
# "namespaces/NS/status" and "/finalize" belong to the Namespace object itself.
_NAMESPACE_SUBRESOURCES = {"status", "finalize"}
_LONG_RUNNING_SUBRESOURCES = {"attach", "exec", "proxy", "log", "portforward"}


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """The facts that authorization, admission and the handlers go by."""

    path: str
    verb: str
    is_resource: bool = False
    api_prefix: str = ""
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    parts: tuple[str, ...] = ()
    """The rest of the path from the resource on."""

    @property
    def name_in_path(self) -> bool:
        """The path names one object, not a field selector."""
        return len(self.parts) > 1

    @property
    def is_long_running(self) -> bool:
        """No request timeout and no in-flight seat: it ends when its peers do."""
        return self.verb in _PATH_VERBS or (
            self.subresource in _LONG_RUNNING_SUBRESOURCES
        )


def parse_request_info(method: str, path: str, query: Query) -> RequestInfo:
    """Read a request line.

    Path segments are expected unescaped; empty ones at the ends are ignored.
    """
    plain = RequestInfo(path=path, verb=method.lower())
    parts = path.strip("/").split("/")
    if len(parts) < 3 or parts[0] not in ("api", "apis"):
        return plain
    prefix, group = parts.pop(0), ""
    if prefix == "apis":
        if len(parts) < 3:
            return plain
        group = parts.pop(0)
    version = parts.pop(0)

    verb = _VERBS.get(method, "")
    if parts[0] in _PATH_VERBS:
        if len(parts) < 2:
            return plain
        verb = parts.pop(0)
    namespace, parts = _split_namespace(parts)
    resource = parts[0] if parts else ""
    name = parts[1] if len(parts) > 1 else ""
    # For "/proxy/" path verbs everything after the name is the proxied path.
    subresource = parts[2] if len(parts) > 2 and verb != "proxy" else ""

    if not name:
        verb = _collection_verb(verb, query)
        name = _name_of_field_selector(verb, query)
    return RequestInfo(
        path=path,
        verb=verb,
        is_resource=True,
        api_prefix=prefix,
        group=group,
        version=version,
        namespace=namespace,
        resource=resource,
        subresource=subresource,
        name=name,
        parts=tuple(parts),
    )


def _split_namespace(parts: list[str]) -> tuple[str, list[str]]:
    """Take `namespaces/NS` off the front, unless it names the Namespace itself."""
    if parts[0] != "namespaces" or len(parts) < 2:
        return "", parts
    if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
        return parts[1], parts[2:]
    return parts[1], parts


def _collection_verb(verb: str, query: Query) -> str:
    if verb == "get":
        return "watch" if query.boolean("watch") else "list"
    return "deletecollection" if verb == "delete" else verb


def _name_of_field_selector(verb: str, query: Query) -> str:
    """An exact `metadata.name=X` gives the request a name to be authorized by."""
    if verb not in ("list", "watch", "deletecollection"):
        return ""
    try:
        selector = fields.parse(query.get("fieldSelector"))
    except fields.FieldSelectorError:
        return ""  # the handler answers 400
    return selector.exact_value("metadata.name") or ""
