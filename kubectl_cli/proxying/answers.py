"""Answers a proxy gives itself, as Go's net/http gives them."""

from __future__ import annotations

import html
import time

from wire.http1 import ResponseHead, encode_response_head

__all__ = ["plain", "redirect"]

_REASONS = {
    307: "Temporary Redirect",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
}
_DATE = "%a, %d %b %Y %H:%M:%S GMT"


def plain(status: int, text: str) -> bytes:
    """A line of text (http.Error)."""
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return _answer(status, headers, f"{text}\n")


def redirect(location: str) -> bytes:
    """The same request, at another path (http.Redirect)."""
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Location", location)]
    link = html.escape(location)
    return _answer(307, headers, f'<a href="{link}">{_REASONS[307]}</a>.\n\n')


def _answer(status: int, headers: list[tuple[str, str]], text: str) -> bytes:
    body = text.encode()
    date = time.strftime(_DATE, time.gmtime())
    whole = [*headers, ("Date", date), ("Content-Length", str(len(body)))]
    return encode_response_head(ResponseHead(status, _REASONS[status], whole)) + body
