"""Discovery of the service-account issuer: who signs, with which keys.

Source: kubernetes/kubernetes pkg/serviceaccount/openidmetadata.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from apiserver.authn.service_account import ServiceAccountTokens
from apiserver.handlers.dispatch import NOT_FOUND
from apiserver.response import json_bytes, plain_text

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext

__all__ = ["handle"]

_CONFIGURATION = ".well-known/openid-configuration"
_KEYS = "openid/v1/jwks"
_CACHE = {"Cache-Control": "public, max-age=3600"}


async def handle(context: RequestContext) -> web.StreamResponse:
    services = context.services
    tokens = next(
        (
            a
            for a in services.token_authenticators
            if isinstance(a, ServiceAccountTokens)
        ),
        None,
    )
    path = context.info.path.strip("/")
    if tokens is None or path not in (_CONFIGURATION, _KEYS):
        return plain_text(404, NOT_FOUND)
    if path == _KEYS:
        document, content_type = tokens.verifier.key_set(), "application/jwk-set+json"
    else:
        document, content_type = _configuration(context, tokens), "application/json"
    headers = {**_CACHE, "Content-Type": content_type}
    return web.Response(body=json_bytes(document).rstrip(b"\n"), headers=headers)


def _configuration(context: RequestContext, tokens: ServiceAccountTokens) -> JsonObject:
    services = context.services
    algorithms = sorted({key["alg"] for key in tokens.verifier.key_set()["keys"]})
    return {
        "issuer": services.config.service_account_issuer,
        "jwks_uri": f"https://{services.server_address}/{_KEYS}",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
    }
