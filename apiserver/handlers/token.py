"""`serviceaccounts/token`: a TokenRequest is answered with a token.

Source: kubernetes/kubernetes pkg/registry/core/serviceaccount/storage/token.go and
pkg/apis/authentication/validation/validation.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.field_errors import FieldError, Path, invalid, too_long
from apimachinery.go_text import quote
from apimachinery.meta import name_of, rfc3339, uid_of
from apimachinery.options import WriteOptions, check
from apiserver.authn.service_account import TokenSubject
from apiserver.body import read_body
from apiserver.decoding import decode_document
from apiserver.resources.cells import read
from apiserver.resources.nodes import NODES
from apiserver.resources.pods import PODS
from apiserver.response import document_response

if TYPE_CHECKING:
    from aiohttp import web

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource, Subresource

__all__ = ["handle"]

_DEFAULT_LIFETIME = 3600
_MIN_LIFETIME = 600
_MAX_LIFETIME = 1 << 32
_KIND = "TokenRequest.authentication.k8s.io"


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    services, info = context.services, context.info
    options = WriteOptions.from_query(context.query)
    check("CreateOptions", options.validate())
    request = decode_document(context, await read_body(context), "TokenRequest")
    account = await services.objects.get(resource, info.namespace, info.name)
    if services.token_issuer is None:
        raise status.service_unavailable(
            "no key to sign tokens with: --service-account-signing-key-file is not set"
        )
    spec = _defaulted(context, request)
    _validate(spec)
    bound = await _bound_claim(context, account, spec.get("boundObjectRef"))
    subject = TokenSubject(info.namespace, info.name, uid_of(account), bound)
    now = services.clock()
    lifetime = int(spec["expirationSeconds"])
    token = services.token_issuer.issue(subject, spec["audiences"], now, lifetime)
    request["status"] = {
        "token": token,
        "expirationTimestamp": rfc3339(int(now) + lifetime),
    }
    return document_response(context, request, code=201)


def _defaulted(context: RequestContext, request: JsonObject) -> JsonObject:
    metadata = request.setdefault("metadata", {})
    metadata.setdefault("name", context.info.name)
    metadata.setdefault("namespace", context.info.namespace)
    metadata["creationTimestamp"] = rfc3339(context.services.clock())
    spec: JsonObject = request.setdefault("spec", {})
    spec.setdefault("expirationSeconds", _DEFAULT_LIFETIME)
    if not spec.get("audiences"):
        spec["audiences"] = list(context.services.config.audiences)
    return spec


def _validate(spec: JsonObject) -> None:
    where, seconds = Path("spec").child("expirationSeconds"), spec["expirationSeconds"]
    errors: list[FieldError] = []
    if seconds < _MIN_LIFETIME:
        detail = "may not specify a duration less than 10 minutes"
        errors.append(invalid(where, seconds, detail))
    if seconds > _MAX_LIFETIME:
        errors.append(too_long(where, _MAX_LIFETIME))
    if errors:
        raise status.invalid(_KIND, "", errors)


async def _bound_claim(
    context: RequestContext, account: JsonObject, reference: JsonObject | None
) -> JsonObject | None:
    """The claim for the object that the token is bound to.

    Raises:
        StatusError: 404, 409 for another uid, 403 for a pod of another account.
    """
    if not reference:
        return None
    services, namespace = context.services, context.info.namespace
    kind, name = reference.get("kind"), reference.get("name", "")
    match kind:
        case "Pod":
            pod = await services.objects.get(PODS, namespace, name)
            if read(pod, "spec.serviceAccountName") != name_of(account):
                raise status.bad_request(
                    "cannot bind token for serviceaccount"
                    f" {quote(name_of(account))} to pod running with different"
                    " serviceaccount name."
                )
            _check_uid(reference, pod, "pods")
            claims = {"pod": {"name": name, "uid": uid_of(pod)}}
            return claims | await _node_claim(context, read(pod, "spec.nodeName"))
        case "Secret":
            secrets = services.registry.find("", "v1", "secrets")
            if secrets is None:
                raise status.bad_request("cannot bind token to object of type Secret")
            secret = await services.objects.get(secrets, namespace, name)
            _check_uid(reference, secret, "secrets")
            return {"secret": {"name": name, "uid": uid_of(secret)}}
        case "Node":
            node = await services.objects.get(NODES, "", name)
            _check_uid(reference, node, "nodes")
            return {"node": {"name": name, "uid": uid_of(node)}}
        case _:
            raise status.bad_request(
                f"cannot bind token for serviceaccount to object of kind {kind}"
            )


async def _node_claim(context: RequestContext, node: str | None) -> JsonObject:
    if not node:
        return {}
    try:
        found = await context.services.objects.get(NODES, "", node)
    except status.StatusError:
        return {"node": {"name": node}}
    return {"node": {"name": node, "uid": uid_of(found)}}


def _check_uid(reference: JsonObject, obj: JsonObject, resource: str) -> None:
    uid = reference.get("uid")
    if uid and uid != uid_of(obj):
        raise status.conflict(
            resource,
            name_of(obj),
            f"the UID in the bound object reference ({uid}) does not match the UID in"
            f" record. The object might have been deleted and then recreated",
        )
