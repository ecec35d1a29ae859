"""A bearer token carried as a WebSocket subprotocol, for clients without headers.

`Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.TOKEN, other`: the
token entry is taken out and the others are folded into one line before the request
goes on.

Source: kubernetes/apiserver pkg/authentication/request/websocket/protocol.go.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TokenProtocolError", "take_token"]

_PREFIX = "base64url.bearer.authorization.k8s.io."


class TokenProtocolError(ValueError):
    """The subprotocol list holds a token, but not as it must be given."""


def take_token(headers: Sequence[str]) -> tuple[str | None, list[str]]:
    """Split the subprotocol headers into the token and the remaining protocols.

    Raises:
        TokenProtocolError: two tokens, an undecodable one, or nothing beside it.
    """
    token: str | None = None
    remaining: list[str] = []
    for protocol in (p.strip() for line in headers for p in line.split(",")):
        if not protocol.startswith(_PREFIX):
            remaining.append(protocol)
            continue
        if token is not None:
            raise TokenProtocolError("multiple base64.bearer.authorization tokens")
        token = _decode(protocol.removeprefix(_PREFIX))
    if token is not None and not remaining:
        raise TokenProtocolError("missing additional subprotocol")
    return token, remaining


def _decode(encoded: str) -> str:
    try:
        raw = base64.b64decode(
            encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True
        )
        return raw.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise TokenProtocolError("invalid base64.bearer.authorization token") from error
