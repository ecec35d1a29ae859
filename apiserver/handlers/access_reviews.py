"""Access reviews: what may this user do, what may I do.

Source: kubernetes/kubernetes pkg/registry/authorization/*/rest.go and
pkg/apis/authorization/validation/validation.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.field_errors import FieldError, Path, invalid, required
from apiserver.authn.user import UserInfo
from apiserver.authz.attributes import Attributes, Verdict
from apiserver.body import read_body
from apiserver.decoding import decode_document
from apiserver.response import document_response

if TYPE_CHECKING:
    from aiohttp import web

    from apimachinery.types import JsonObject
    from apiserver.authz.attributes import Decision, NonResourceRule, ResourceRule
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource

__all__ = ["answer_local", "answer_rules", "answer_self", "answer_subject"]

_SPEC = Path("spec")


async def answer_self(
    context: RequestContext, resource: Resource
) -> web.StreamResponse:
    """SelfSubjectAccessReview: about the user who asks."""
    review = await _read(context, resource)
    return _answer(context, resource, review, context.user)


async def answer_subject(
    context: RequestContext, resource: Resource
) -> web.StreamResponse:
    """SubjectAccessReview: about anybody."""
    review = await _read(context, resource)
    return _answer(context, resource, review, _subject(review["spec"]))


async def answer_local(
    context: RequestContext, resource: Resource
) -> web.StreamResponse:
    """LocalSubjectAccessReview: about anybody, in the namespace of the URL."""
    review = await _read(context, resource)
    attributes = review["spec"].get("resourceAttributes") or {}
    namespace = context.info.namespace
    if attributes.get("namespace") != namespace:
        raise status.bad_request(
            f"spec.resourceAttributes.namespace must match namespace: {namespace}"
        )
    return _answer(context, resource, review, _subject(review["spec"]))


async def answer_rules(
    context: RequestContext, resource: Resource
) -> web.StreamResponse:
    """SelfSubjectRulesReview: everything that can be listed."""
    review = await _read(context, resource)
    namespace = review["spec"].get("namespace") or ""
    if not namespace:
        raise status.bad_request("no namespace on request")
    rules = context.services.authorizer.rules_for(context.user, namespace)
    result: JsonObject = {
        "resourceRules": [_resource_rule(rule) for rule in rules.resource],
        "nonResourceRules": [_path_rule(rule) for rule in rules.non_resource],
        "incomplete": rules.incomplete,
    }
    if rules.error:
        result["evaluationError"] = rules.error
    return document_response(context, {**review, "status": result}, code=201)


async def _read(context: RequestContext, resource: Resource) -> JsonObject:
    review = decode_document(context, await read_body(context), resource.kind)
    review.setdefault("metadata", {})
    review.setdefault("spec", {})
    return review


def _subject(spec: JsonObject) -> UserInfo:
    extra = {key: tuple(values) for key, values in (spec.get("extra") or {}).items()}
    return UserInfo(
        spec.get("user") or "",
        tuple(spec.get("groups") or ()),
        spec.get("uid") or "",
        extra,
    )


def _answer(
    context: RequestContext, resource: Resource, review: JsonObject, user: UserInfo
) -> web.StreamResponse:
    spec = review["spec"]
    errors = list(_errors(spec, user, about_self=resource.kind.startswith("Self")))
    if errors:
        raise status.invalid(resource.group_kind, "", errors)
    decision = context.services.authorizer.authorize(_attributes(spec, user))
    return document_response(context, {**review, "status": _status(decision)}, code=201)


def _errors(spec: JsonObject, user: UserInfo, *, about_self: bool) -> list[FieldError]:
    errors = []
    resource = spec.get("resourceAttributes")
    path = spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        where = _SPEC.child("nonResourceAttributes")
        detail = "cannot be specified in combination with resourceAttributes"
        errors.append(invalid(where, path, detail))
    if resource is None and path is None:
        where = _SPEC.child("resourceAttributes")
        detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        errors.append(invalid(where, None, detail))
    if not about_self and not user.name and not user.groups:
        detail = "at least one of user or group must be specified"
        errors.append(required(_SPEC.child("user"), detail))
    return errors


def _attributes(spec: JsonObject, user: UserInfo) -> Attributes:
    path = spec.get("nonResourceAttributes")
    if path is not None:
        return Attributes(
            user, path.get("verb", ""), is_resource=False, path=path.get("path", "")
        )
    asked = spec.get("resourceAttributes") or {}
    return Attributes(
        user,
        asked.get("verb", ""),
        namespace=asked.get("namespace", ""),
        group=asked.get("group", ""),
        version=asked.get("version", ""),
        resource=asked.get("resource", ""),
        subresource=asked.get("subresource", ""),
        name=asked.get("name", ""),
        field_selector=_selector_text(asked.get("fieldSelector") or {}),
    )


def _selector_text(selector: JsonObject) -> str:
    """A field selector of a review: as text, or as requirements."""
    if selector.get("rawSelector"):
        return str(selector["rawSelector"])
    return ",".join(
        f"{each.get('key')}={(each.get('values') or [''])[0]}"
        for each in selector.get("requirements") or ()
        if each.get("operator") == "In"
    )


def _status(decision: Decision) -> JsonObject:
    answer: JsonObject = {"allowed": decision.allowed}
    if decision.verdict is Verdict.DENY:
        answer["denied"] = True
    if decision.reason:
        answer["reason"] = decision.reason
    if decision.error:
        answer["evaluationError"] = decision.error
    return answer


def _resource_rule(rule: ResourceRule) -> JsonObject:
    found: JsonObject = {
        "verbs": list(rule.verbs),
        "apiGroups": list(rule.groups),
        "resources": list(rule.resources),
    }
    if rule.names:
        found["resourceNames"] = list(rule.names)
    return found


def _path_rule(rule: NonResourceRule) -> JsonObject:
    return {"verbs": list(rule.verbs), "nonResourceURLs": list(rule.paths)}
