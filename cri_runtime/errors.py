"""Refusals, in the codes and words of containerd.

Source: containerd/containerd internal/cri/server (texts) and errdefs pkg/errgrpc (codes): an
error that carries no mark of its own becomes Unknown.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Code", "CriError", "invalid", "not_found"]


class Code(StrEnum):
    """The gRPC codes we answer with; the values are grpc.StatusCode's names."""

    UNKNOWN = "UNKNOWN"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    NOT_FOUND = "NOT_FOUND"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    UNAVAILABLE = "UNAVAILABLE"


class CriError(Exception):
    """A call is refused; `str()` is the text after `desc = `."""

    def __init__(self, text: str, code: Code = Code.UNKNOWN) -> None:
        super().__init__(text)
        self.code = code

    def within(self, prefix: str) -> CriError:
        """The same refusal, seen from a caller further out."""
        return CriError(f"{prefix}: {self}", self.code)


def not_found(text: str) -> CriError:
    """The object is not there, or no longer: the kubelet takes that for a race."""
    return CriError(text, Code.NOT_FOUND)


def invalid(text: str) -> CriError:
    """The request makes no sense."""
    return CriError(text, Code.INVALID_ARGUMENT)
