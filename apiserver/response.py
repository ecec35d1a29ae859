"""Answers: which form, which headers, which bytes.

Source: kubernetes/apiserver pkg/endpoints/handlers/responsewriters/writers.go.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from apimachinery.negotiation import (
    JSON,
    PROTOBUF,
    YAML,
    Negotiated,
    Transform,
    negotiate,
)
from apimachinery.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext

__all__ = [
    "add_common_headers",
    "document_response",
    "encode",
    "json_bytes",
    "json_response",
    "negotiated_form",
    "plain_text",
    "status_response",
]

_BROWSERS = ("curl", "Wget", "Mozilla/5.0")
_WARNING_BUDGET = 4 * 1024  # bytes of all Warning headers together
_WARNING_CUT = 256  # characters of each, when the budget is exceeded


def json_bytes(document: JsonObject, *, pretty: bool = False) -> bytes:
    """JSON as Go's encoder ends it: with a newline."""
    if pretty:
        return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def encode(document: JsonObject, form: Negotiated) -> bytes:
    """A document in the negotiated media type."""
    match form.media_type:
        case "application/yaml":
            from apimachinery.serializer import yaml

            return yaml.encode(document)
        case "application/vnd.kubernetes.protobuf":
            from apimachinery.serializer import protobuf

            return protobuf.encode(document)
        case _:
            return json_bytes(document, pretty=form.pretty)


def negotiated_form(
    context: RequestContext, transforms: Collection[Transform] = ()
) -> Negotiated:
    """The form of the answer.

    Unlike upstream JSON is taken whenever the client accepts it at all: clients read
    the answer by its Content-Type, and Python writes JSON ten times faster.

    Raises:
        StatusError: 406.
    """
    accept = context.request.headers.get("Accept")
    pretty = _wants_pretty(context)
    try:
        return negotiate(
            accept, transforms=transforms, supported=(JSON, YAML), pretty=pretty
        )
    except StatusError:
        return negotiate(
            accept, transforms=transforms, supported=(JSON, YAML, PROTOBUF)
        )


def _wants_pretty(context: RequestContext) -> bool:
    if context.query.has("pretty"):
        return context.query.boolean("pretty")
    agent = context.request.headers.get("User-Agent", "")
    return agent.startswith(_BROWSERS)


def document_response(
    context: RequestContext,
    document: JsonObject,
    *,
    code: int = 200,
    form: Negotiated | None = None,
) -> web.Response:
    """An object, a list, a table or a Status."""
    form = form or negotiated_form(context)
    return web.Response(
        status=code,
        body=encode(document, form),
        headers={"Content-Type": form.media_type},
    )


def json_response(body: bytes, *, code: int = 200) -> web.Response:
    """Bytes that are JSON already."""
    return web.Response(status=code, body=body, headers={"Content-Type": JSON})


def status_response(context: RequestContext, status: JsonObject) -> web.Response:
    """A refusal; every client can read it, so 406 is no reason to withhold it."""
    try:
        form = negotiated_form(context)
    except StatusError:
        form = Negotiated(JSON)
    if form.media_type == PROTOBUF:
        form = Negotiated(JSON)
    code = int(status.get("code") or 500)
    response = document_response(context, status, code=code, form=form)
    response.headers["X-Content-Type-Options"] = "nosniff"
    retry = (status.get("details") or {}).get("retryAfterSeconds")
    if retry:
        response.headers["Retry-After"] = str(retry)
    return response


def plain_text(
    code: int, text: str, *, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Text as Go's http.Error writes it."""
    return web.Response(
        status=code,
        body=text.encode(),
        headers={
            "Content-Type": "text/plain; charset=utf-8",
            "X-Content-Type-Options": "nosniff",
            **(headers or {}),
        },
    )


def add_common_headers(context: RequestContext, response: web.StreamResponse) -> None:
    """What every answer carries, added just before its head is written."""
    headers = response.headers
    headers.popall("Server", None)
    if context.audit_id:
        headers["Audit-Id"] = context.audit_id
    headers.setdefault("Cache-Control", "no-cache, private")
    if context.close_connection:
        response.force_close()
        headers["Connection"] = "close"
    for text in _within_budget(context.warnings):
        headers.add("Warning", f"299 - {_quoted(text)}")


def _within_budget(warnings: list[str]) -> list[str]:
    if sum(len(text) for text in warnings) <= _WARNING_BUDGET:
        return warnings
    cut = [text[:_WARNING_CUT] for text in warnings]
    while sum(len(text) for text in cut) > _WARNING_BUDGET:
        cut.pop()
    return cut


def _quoted(text: str) -> str:
    """An HTTP quoted-string; control characters cannot stand in a header."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
