"""What a recorded server says of its API when nobody asked while it was recorded.

kubectl keeps what it has learnt of an API for hours, and so the requests for it are not
in most recordings; without an answer it does not even begin. It learns only of what is
needed for streams: pods, and what goes with them.
"""

from __future__ import annotations

import json
import re

__all__ = ["discovery", "is_discovery"]

_PATHS = re.compile(r"/(api|apis|api/v1|version|openapi/v[23].*)/?\Z")
_SUBRESOURCES = {
    "attach": "PodAttachOptions",
    "exec": "PodExecOptions",
    "log": "Pod",
    "portforward": "PodPortForwardOptions",
}
_STREAMS = ("create", "get")


def is_discovery(method: str, target: str) -> bool:
    """Whether a request asks what there is."""
    return method == "GET" and _PATHS.match(target.partition("?")[0]) is not None


def discovery(method: str, target: str) -> bytes | None:
    """The JSON that answers such a request; None for others."""
    path = target.partition("?")[0].rstrip("/")
    known = {"/api": _VERSIONS, "/apis": _GROUPS, "/api/v1": _RESOURCES}.get(path)
    return json.dumps(known).encode() if method == "GET" and known else None


def _resource(name: str, kind: str, *verbs: str) -> dict[str, object]:
    return {
        "name": name,
        "singularName": "" if "/" in name else "pod",
        "namespaced": True,
        "kind": kind,
        "verbs": list(verbs),
    }


_VERSIONS = {
    "kind": "APIVersions",
    "versions": ["v1"],
    "serverAddressByClientCIDRs": [],
}
_GROUPS = {"kind": "APIGroupList", "apiVersion": "v1", "groups": list[str]()}
_RESOURCES = {
    "kind": "APIResourceList",
    "groupVersion": "v1",
    "resources": [
        _resource("pods", "Pod", "get", "list", "watch") | {"shortNames": ["po"]},
        *(_resource(f"pods/{n}", kind, *_STREAMS) for n, kind in _SUBRESOURCES.items()),
    ],
}
