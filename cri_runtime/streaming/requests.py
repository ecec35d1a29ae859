"""What the streaming URLs stand for until somebody comes: single use, one minute, 1,000.

Source: kubernetes/cri-streaming pkg/streaming/request_cache.go.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from typing import Literal

from cri_runtime.errors import Code, CriError
from wire.remotecommand import StreamOptions

__all__ = ["MAX_PENDING", "TTL_SECONDS", "PendingRequest", "RequestCache"]

TTL_SECONDS = 60.0
MAX_PENDING = 1000
_TOKEN_BYTES = 6  # 8 characters


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A stream that a kubelet has asked for.

    Attributes:
        kind: the first part of the URL's path.
        target: the container's id, or for port-forward the sandbox's.
        traceparent: W3C trace context of who asked, or "".
    """

    kind: Literal["exec", "attach", "portforward"]
    target: str
    options: StreamOptions = field(default_factory=StreamOptions)
    command: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    traceparent: str = ""


class RequestCache:
    """Gives a token for a request, and the request for the token, once.

    Time comes in as `now`, in seconds of any one clock.
    """

    def __init__(self) -> None:
        self._pending: dict[str, tuple[float, PendingRequest]] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def insert(self, request: PendingRequest, now: float) -> str:
        """Keep a request; returns its token.

        Raises:
            CriError: ResourceExhausted, too many are waiting.
        """
        self._drop_expired(now)
        if len(self._pending) >= MAX_PENDING:
            text = "maximum number of in-flight requests exceeded"
            raise CriError(text, Code.RESOURCE_EXHAUSTED)
        token = _new_token()
        while token in self._pending:
            token = _new_token()
        self._pending[token] = (now + TTL_SECONDS, request)
        return token

    def consume(self, token: str, now: float) -> PendingRequest | None:
        """The request of a token that is neither used, expired nor made up."""
        expires, request = self._pending.pop(token, (0.0, None))
        return request if now < expires else None

    def _drop_expired(self, now: float) -> None:
        # They all live equally long, so the oldest stand first.
        for token, (expires, _) in list(self._pending.items()):
            if now < expires:
                break
            del self._pending[token]


def _new_token() -> str:
    return base64.urlsafe_b64encode(os.urandom(_TOKEN_BYTES)).decode()
