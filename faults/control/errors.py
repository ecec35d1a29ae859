"""Errors as toxiproxy answers them: {"error": text, "status": number}.

Source: Shopify/toxiproxy api.go.
"""

from __future__ import annotations

__all__ = ["ApiError"]


class ApiError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status

    @classmethod
    def bad_body(cls, why: object) -> ApiError:
        """The body is not what is expected."""
        return cls(400, f"bad request body: {why}")

    @classmethod
    def missing(cls, field: str) -> ApiError:
        """A field must be there."""
        return cls(400, f"missing required field: {field}")


PROXY_NOT_FOUND = (404, "proxy not found")
PROXY_EXISTS = (409, "proxy already exists")
TOXIC_NOT_FOUND = (404, "toxic not found")
TOXIC_EXISTS = (409, "toxic already exists")
INVALID_STREAM = (400, "stream was invalid, can be either upstream or downstream")
INVALID_TYPE = (400, "invalid toxic type")
