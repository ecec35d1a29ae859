"""`/openapi/v2` and `/openapi/v3`.

Source: kubernetes/kube-openapi pkg/handler and pkg/handler3. Documents are made when
first asked for and kept.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING

from aiohttp import web

from apiserver.handlers.dispatch import NOT_FOUND
from apiserver.openapi.documents import (
    document_hash,
    group_version_document,
    root_document,
)
from apiserver.response import json_bytes, plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource

__all__ = ["handle"]

_YEAR = 365 * 86400
# Go's MIME parser rejects the `@` that clients put into Accept.
_V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_made: dict[str, bytes] = {}


async def handle(context: RequestContext) -> web.StreamResponse:
    match context.info.path.strip("/").split("/"):
        case ["openapi", "v2"]:
            return _v2(context)
        case ["openapi", "v3"]:
            return _root(context)
        case ["openapi", "v3", "api", version]:
            return _document(context, f"api/{version}", "", version)
        case ["openapi", "v3", "apis", group, version]:
            return _document(context, f"apis/{group}/{version}", group, version)
        case _:
            return plain_text(404, NOT_FOUND)


def _v2(context: RequestContext) -> web.StreamResponse:
    from apiserver.openapi.v2 import swagger_json, swagger_protobuf

    registry = context.services.registry
    accept = context.request.headers.get("Accept", "")
    if "protobuf" in accept:
        key, content_type, make = "v2 protobuf", _V2_PROTOBUF, swagger_protobuf
    else:
        key, content_type, make = "v2 json", "application/json", swagger_json
    key = f"{key} {id(registry)} {registry.generation}"
    if key not in _made:
        _made[key] = make(registry)
    headers = {"Content-Type": content_type, "Vary": "Accept"}
    return web.Response(body=_made[key], headers=headers)


def _root(context: RequestContext) -> web.StreamResponse:
    body = json_bytes(root_document(context.services.registry)).rstrip(b"\n")
    return web.Response(body=body, headers={"Content-Type": "application/json"})


def _document(
    context: RequestContext, path: str, group: str, version: str
) -> web.StreamResponse:
    resources = context.services.registry.versions(group).get(version)
    if resources is None:
        return plain_text(404, NOT_FOUND)
    digest = document_hash(path, resources)
    asked = context.query.get("hash")
    if asked and asked != digest:
        location = f"/openapi/v3/{path}?hash={digest}"
        return web.Response(status=301, headers={"Location": location})
    headers = {"ETag": f'"{digest}"', "Vary": "Accept"}
    if asked:
        # The address names the content, so it may be kept for ever.
        headers["Cache-Control"] = "public, immutable"
        headers["Expires"] = formatdate(time.time() + _YEAR, usegmt=True)
    if context.request.headers.get("If-None-Match", "").strip('"') == digest:
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = "application/json"
    return web.Response(body=_body(path, digest, resources), headers=headers)


def _body(path: str, digest: str, resources: Mapping[str, Resource]) -> bytes:
    if digest not in _made:
        document = group_version_document(path, resources)
        _made[digest] = json_bytes(document).rstrip(b"\n")
    return _made[digest]
