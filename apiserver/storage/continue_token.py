"""The continue token of a paged list: which revision, and which key comes next.

Source: kubernetes/apiserver pkg/storage/continue.go. Unpadded base64url of
``{"v":"meta.k8s.io/v1","rv":123,"start":"ns/name\\u0000"}``; ``start`` is below the
resource's prefix.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from apimachinery.status import bad_request

__all__ = ["ContinueToken"]

_VERSION = "meta.k8s.io/v1"
_ENCODED_WRONG = "illegal base64 data"


@dataclass(frozen=True, slots=True)
class ContinueToken:
    """``revision`` of the first page (-1: any, the list is inconsistent), next key."""

    revision: int
    start: str

    def encode(self) -> str:
        fields = {"v": _VERSION, "rv": self.revision, "start": self.start}
        text = json.dumps(fields, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(text).rstrip(b"=").decode()

    @classmethod
    def decode(cls, token: str) -> ContinueToken:
        """Read a token.

        Raises:
            StatusError: 400, it is not one of ours.
        """
        fields = _fields(token)
        version, revision = fields.get("v"), fields.get("rv")
        start = fields.get("start")
        if version != _VERSION:
            raise _invalid(
                f'server does not recognize this encoded version "{version}"'
            )
        if not isinstance(revision, int) or isinstance(revision, bool) or not revision:
            raise _invalid(
                "incorrect encoded start resourceVersion (version meta.k8s.io/v1)"
            )
        if not isinstance(start, str) or not start:
            raise _invalid("encoded start key empty (version meta.k8s.io/v1)")
        # path.Clean upstream: a token must not lead out of its own prefix.
        if start.startswith("/") or ".." in start.split("/"):
            raise _invalid(start)
        return cls(revision, start)


def _fields(token: str) -> dict[str, object]:
    try:
        padded = token + "=" * (-len(token) % 4)
        fields = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeError):
        raise _invalid(_ENCODED_WRONG) from None
    except ValueError as err:
        raise _invalid(str(err)) from None
    if not isinstance(fields, dict):
        raise _invalid("not an object")
    return fields


def _invalid(why: str) -> Exception:
    return bad_request(f"continue key is not valid: {why}")
