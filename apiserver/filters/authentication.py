"""Who asks: certificate, bearer token, or nobody.

Source: kubernetes/apiserver pkg/endpoints/filters/authentication.go and
pkg/authentication/request/union/union.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from apimachinery import status
from apiserver.authn.user import ANONYMOUS
from apiserver.authn.websocket_token import TokenProtocolError, take_token
from apiserver.authn.x509 import user_of_certificate
from hops.serve import peer_certificate

if TYPE_CHECKING:
    import ssl

    from aiohttp import web

    from apiserver.authn.user import UserInfo
    from apiserver.context import Handler, RequestContext

__all__ = ["authenticate"]


async def authenticate(
    context: RequestContext, following: Handler
) -> web.StreamResponse:
    user = _certificate_user(context) or _token_user(context)
    if user is not None:
        context.user = user.authenticated()
    elif context.services.config.anonymous_auth:
        context.user = ANONYMOUS
    else:
        raise status.unauthorized()
    return await following(context)


# Who a connection's certificate names: looked up once, gone with the connection.
_users: WeakKeyDictionary[object, UserInfo] = WeakKeyDictionary()


def _certificate_user(context: RequestContext) -> UserInfo | None:
    certificate = peer_certificate(context.request)
    if not certificate:
        return None
    tls = context.request.get_extra_info("ssl_object")
    user = _users.get(tls) if tls is not None else None
    if user is None:
        user = user_of_certificate(certificate, _der(tls))
        if user is not None and tls is not None:
            _users[tls] = user
    return user


def _der(tls: ssl.SSLObject | None) -> bytes | None:
    """The certificate as bytes; a connection that is just ending has none to give."""
    try:
        return tls.getpeercert(binary_form=True) if tls is not None else None
    except ValueError:
        return None


def _token_user(context: RequestContext) -> UserInfo | None:
    """The bearer of a token; a token that nobody knows is an error, not nobody."""
    token = _bearer_token(context)
    if token is None:
        return None
    for authenticator in context.services.token_authenticators:
        user = authenticator.authenticate(token)
        if user is not None:
            return user
    raise status.unauthorized()


def _bearer_token(context: RequestContext) -> str | None:
    header = context.request.headers.get("Authorization", "").strip()
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return _websocket_token(context)


def _websocket_token(context: RequestContext) -> str | None:
    if context.request.headers.get("Upgrade", "").lower() != "websocket":
        return None
    lines = context.request.headers.getall("Sec-WebSocket-Protocol", [])
    try:
        token, remaining = take_token(lines)
    except TokenProtocolError:
        raise status.unauthorized() from None
    if token is not None:
        context.websocket_protocols = remaining
    return token
