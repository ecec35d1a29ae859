"""What can go wrong with a cluster that a program started."""

from __future__ import annotations

from typing import Any

__all__ = ["ApiError", "ClusterError", "ExecError", "WaitError"]


class ClusterError(Exception):
    """The cluster could not be started, ended or reached."""


class ApiError(ClusterError):
    """The API server refused.

    Attributes:
        code: the HTTP status; 0 when no answer came.
        status: the Status object of the answer; empty when there was none.
    """

    def __init__(
        self, message: str, code: int = 0, status: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status or {}

    @property
    def reason(self) -> str:
        """Of the Status: NotFound, AlreadyExists, Conflict, ..."""
        return str(self.status.get("reason", ""))


class ExecError(ClusterError):
    """A command was not run, or its connection broke before its outcome was known."""


class WaitError(ClusterError):
    """Something did not come true in time; the text says how it was instead."""
