"""Acting as somebody else, when that is allowed.

Source: kubernetes/apiserver pkg/endpoints/filters/impersonation/impersonation.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from apimachinery import status
from apiserver.authn.user import ANONYMOUS, UserInfo, service_account_user
from apiserver.authz.attributes import Attributes
from apiserver.authz.refusal import forbidden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

    from apiserver.context import Handler, RequestContext

__all__ = ["impersonate"]

_EXTRA_PREFIX = "impersonate-extra-"
_SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"
_AUTHENTICATION_GROUP = "authentication.k8s.io"


async def impersonate(
    context: RequestContext, following: Handler
) -> web.StreamResponse:
    asked = _requested_user(context)
    if asked is not None:
        for attributes in _needed_rights(context.user, asked):
            decision = context.services.authorizer.authorize(attributes)
            if not decision.allowed:
                raise forbidden(attributes, decision.reason)
        context.user = _with_implied_groups(asked)
    return await following(context)


def _requested_user(context: RequestContext) -> UserInfo | None:
    headers = context.request.headers
    name = headers.get("Impersonate-User", "")
    groups = tuple(headers.getall("Impersonate-Group", []))
    uid = headers.get("Impersonate-Uid", "")
    extra: dict[str, tuple[str, ...]] = {}
    for header, value in headers.items():
        if header.lower().startswith(_EXTRA_PREFIX):
            key = unquote(header[len(_EXTRA_PREFIX) :].lower())
            extra[key] = (*extra.get(key, ()), value)
    if name:
        return UserInfo(name, groups, uid, extra)
    if groups or uid or extra:
        raise status.internal_error(
            "requested impersonation of groups, uid or extra without impersonating a user"
        )
    return None


def _needed_rights(user: UserInfo, asked: UserInfo) -> Iterator[Attributes]:
    service_account = _service_account(asked.name)
    if service_account:
        namespace, name = service_account
        yield _attributes(user, "serviceaccounts", name, namespace=namespace)
    else:
        yield _attributes(user, "users", asked.name)
    for group in asked.groups:
        yield _attributes(user, "groups", group)
    if asked.uid:
        yield _attributes(user, "uids", asked.uid, group=_AUTHENTICATION_GROUP)
    for key, values in asked.extra.items():
        for value in values:
            yield _attributes(
                user, "userextras", value, group=_AUTHENTICATION_GROUP, subresource=key
            )


def _attributes(
    user: UserInfo,
    resource: str,
    name: str,
    *,
    group: str = "",
    namespace: str = "",
    subresource: str = "",
) -> Attributes:
    return Attributes(
        user,
        "impersonate",
        namespace=namespace,
        group=group,
        version="v1",
        resource=resource,
        subresource=subresource,
        name=name,
    )


def _service_account(name: str) -> tuple[str, str] | None:
    if not name.startswith(_SERVICE_ACCOUNT_PREFIX):
        return None
    namespace, _, account = name.removeprefix(_SERVICE_ACCOUNT_PREFIX).partition(":")
    return (namespace, account) if namespace and account else None


def _with_implied_groups(asked: UserInfo) -> UserInfo:
    if asked.name == ANONYMOUS.name:
        groups = asked.groups or ANONYMOUS.groups
        return UserInfo(asked.name, groups, asked.uid, asked.extra)
    service_account = _service_account(asked.name)
    if service_account and not asked.groups:
        asked = service_account_user(*service_account, asked.uid, asked.extra)
    return asked.authenticated()
