"""The requests that `mini-kube serve` answers: one table for the server and for OpenAPI."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ROUTES", "Route", "describe"]

_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "number"}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_OBJECT: Final = {"type": "object"}
_FLAG: Final = {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Route:
    """One request.

    Args:
        handler: the method of `ClusterServer`, without its underscore.
        answer: the status of success, and what is in its body.
        body: the fields of the JSON object that is sent.
        query: the parameters behind the `?`.
    """

    method: str
    path: str
    handler: str
    summary: str
    answer: tuple[int, str]
    body: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)


_CLUSTER: Final = "/v1/clusters/{id}"
ROUTES: Final = (
    Route(
        "GET",
        "/v1/openapi.json",
        "openapi",
        "This description",
        (200, "OpenAPI 3.1"),
    ),
    Route("GET", "/v1/clusters", "list_clusters", "All clusters", (200, "`items`")),
    Route(
        "POST",
        "/v1/clusters",
        "create_cluster",
        "Start a cluster, and answer when its nodes are Ready",
        (201, "`id`, `server`, `nodes`, `services`, and the path of its `kubeconfig`"),
        {
            "nodes": {"type": "integer"},
            "emulateVersion": _TEXT,
            "imagePolicy": _TEXT,
            "imageCatalogue": _TEXT,
            "kwokConfig": _TEXT,
            "trace": _FLAG,
            "name": _TEXT,
            "timeout": _NUMBER,
        },
    ),
    Route("GET", _CLUSTER, "get_cluster", "A cluster", (200, "as when it was started")),
    Route(
        "DELETE",
        _CLUSTER,
        "delete_cluster",
        "End a cluster; nothing of it is left then",
        (204, ""),
    ),
    Route(
        "GET",
        f"{_CLUSTER}/kubeconfig",
        "get_kubeconfig",
        "The administrator's kubeconfig",
        (200, "YAML"),
    ),
    Route(
        "POST",
        f"{_CLUSTER}/reset",
        "reset",
        "Delete all objects but the system's, faults and traces, and wait for it",
        (204, ""),
    ),
    Route(
        "POST",
        f"{_CLUSTER}/pods",
        "create_pod",
        "Create a pod of one container, and answer when it is Ready",
        (201, "the Pod"),
        {
            "name": _TEXT,
            "image": _TEXT,
            "command": _TEXTS,
            "script": _OBJECT,
            "files": _OBJECT,
            "env": _OBJECT,
            "ports": {"type": "array", "items": {"type": "integer"}},
            "labels": _OBJECT,
            "namespace": _TEXT,
            "container": _OBJECT,
            "spec": _OBJECT,
            "ready": _FLAG,
        },
    ),
    Route(
        "POST",
        f"{_CLUSTER}/clock",
        "advance_clock",
        "Move the clocks of the services ahead",
        (200, "`ahead`, in seconds"),
        {"advance": {"type": ["string", "number"]}, "services": _TEXTS},
    ),
    Route("GET", f"{_CLUSTER}/faults", "list_faults", "All faults", (200, "`items`")),
    Route(
        "POST",
        f"{_CLUSTER}/faults",
        "add_fault",
        "Make a hop fail",
        (201, "the fault, with its `name`"),
        {
            "type": _TEXT,
            "hop": _TEXT,
            "name": _TEXT,
            "stream": _TEXT,
            "toxicity": _NUMBER,
            "seed": {"type": "integer"},
            "selector": _OBJECT,
            "seconds": _NUMBER,
            "count": {"type": "integer"},
            "attributes": _OBJECT,
        },
    ),
    Route(
        "DELETE",
        f"{_CLUSTER}/faults/{{name}}",
        "remove_fault",
        "Take a fault away",
        (204, ""),
    ),
    Route(
        "DELETE",
        f"{_CLUSTER}/faults",
        "reset_faults",
        "Take all faults away",
        (204, ""),
    ),
    Route(
        "GET",
        f"{_CLUSTER}/sessions",
        "list_sessions",
        "The sessions so far; with `count`, wait until so many that are over fit",
        (200, "`items`"),
        query={
            "verb": _TEXT,
            "namespace": _TEXT,
            "pod": _TEXT,
            "container": _TEXT,
            "status": _TEXT,
            "transport": _TEXT,
            "count": _NUMBER,
            "timeout": _NUMBER,
        },
    ),
    Route(
        "GET",
        f"{_CLUSTER}/sessions/{{session}}",
        "get_session",
        "A session, in a format of `mini-kube trace show`",
        (200, "the file"),
        query={"format": _TEXT},
    ),
    Route(
        "DELETE",
        f"{_CLUSTER}/sessions",
        "forget_sessions",
        "Forget all sessions so far",
        (204, ""),
    ),
)


def describe() -> dict[str, Any]:
    """The table as an OpenAPI document."""
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "mini-kube serve", "version": "1"},
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}
        },
        "paths": paths,
    }


def _operation(route: Route) -> dict[str, Any]:
    status, content = route.answer
    names = re.findall(r"{(\w+)}", route.path)
    parameters = [_parameter(name, "path", _TEXT) for name in names]
    parameters += [
        _parameter(name, "query", kind) for name, kind in route.query.items()
    ]
    operation: dict[str, Any] = {
        "operationId": route.handler,
        "summary": route.summary,
        "parameters": parameters,
        "responses": {
            str(status): {"description": content or "Done"},
            "default": {"description": "`error` says what is wrong"},
        },
    }
    if route.body:
        schema = {"type": "object", "properties": dict(route.body)}
        content_types = {"application/json": {"schema": schema}}
        operation["requestBody"] = {"content": content_types}
    return operation


def _parameter(name: str, where: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "schema": dict(schema),
    }
