"""What can go wrong in a protocol: our own mistake, or the peer's."""

from __future__ import annotations

__all__ = ["LocalProtocolError", "ProtocolError", "RemoteProtocolError"]


class ProtocolError(Exception):
    """A rule of the protocol was broken; never raised itself."""


class LocalProtocolError(ProtocolError):
    """We were asked to send what the protocol does not allow now: a bug of the caller."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol does not allow.

    Attributes:
        code: the WebSocket close code that suits, when there is one.
    """

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code
