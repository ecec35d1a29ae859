"""POSTs that are answered and not stored: which review, which answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.meta import rfc3339
from apimachinery.options import WriteOptions, check
from apiserver.body import read_body
from apiserver.decoding import decode_document
from apiserver.handlers import access_reviews
from apiserver.response import document_response

if TYPE_CHECKING:
    from aiohttp import web

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource, Subresource

__all__ = ["handle"]


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    check("CreateOptions", WriteOptions.from_query(context.query).validate())
    return await _ANSWERS[resource.resource](context, resource)


async def _self_subject(
    context: RequestContext, resource: Resource
) -> web.StreamResponse:
    """SelfSubjectReview: who am I.

    Source: kubernetes/kubernetes pkg/registry/authentication/selfsubjectreview.
    """
    review = await _read(context, resource)
    review["metadata"]["creationTimestamp"] = rfc3339(context.services.clock())
    review["status"] = {"userInfo": context.user.to_json()}
    return document_response(context, review, code=201)


async def _token(context: RequestContext, resource: Resource) -> web.StreamResponse:
    """TokenReview: whose token is this.

    Source: kubernetes/kubernetes pkg/registry/authentication/tokenreview/storage.go.
    """
    from apimachinery import status

    review = await _read(context, resource)
    spec = review.get("spec") or {}
    token = spec.get("token") or ""
    if not token:
        raise status.bad_request("token is required for TokenReview in authentication")
    audiences = tuple(spec.get("audiences") or ())
    review["status"] = _token_status(context, token, audiences)
    return document_response(context, review, code=201)


def _token_status(
    context: RequestContext, token: str, audiences: tuple[str, ...]
) -> JsonObject:
    services = context.services
    ours = services.config.audiences
    common = [a for a in audiences if a in ours] if audiences else list(ours)
    for authenticator in services.token_authenticators:
        user = authenticator.authenticate(token)
        if user is not None and (common or not audiences):
            found: JsonObject = {
                "authenticated": True,
                "user": user.authenticated().to_json(),
            }
            return {**found, "audiences": common} if audiences else found
    return {"error": "[invalid bearer token]"}


async def _read(context: RequestContext, resource: Resource) -> JsonObject:
    review = decode_document(context, await read_body(context), resource.kind)
    review.setdefault("metadata", {})
    return review


_ANSWERS = {
    "selfsubjectreviews": _self_subject,
    "tokenreviews": _token,
    "selfsubjectaccessreviews": access_reviews.answer_self,
    "subjectaccessreviews": access_reviews.answer_subject,
    "localsubjectaccessreviews": access_reviews.answer_local,
    "selfsubjectrulesreviews": access_reviews.answer_rules,
}
