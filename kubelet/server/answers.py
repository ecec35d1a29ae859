"""Plain-text answers in the two ways Go code gives them.

Source: emicklei/go-restful response.go (WriteError: the text alone, its type sniffed);
golang/go net/http (Error: the text, a newline, nosniff).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from typing import Any

__all__ = ["PLAIN", "http_error", "json_answer", "ok_text", "write_error"]

PLAIN = "text/plain; charset=utf-8"


def write_error(status: int, text: str, **headers: str) -> web.Response:
    """go-restful's `WriteError`."""
    return web.Response(
        status=status,
        body=text.encode(),
        headers={"Content-Type": PLAIN, **headers},
    )


def http_error(status: int, text: str) -> web.Response:
    """net/http's `Error`."""
    return web.Response(
        status=status,
        body=f"{text}\n".encode(),
        headers={"Content-Type": PLAIN, "X-Content-Type-Options": "nosniff"},
    )


def ok_text(text: str, content_type: str = PLAIN) -> web.Response:
    return web.Response(body=text.encode(), headers={"Content-Type": content_type})


def json_answer(value: Any, **headers: str) -> web.Response:
    body = json.dumps(value, separators=(",", ":")).encode()
    return web.Response(
        body=body, headers={"Content-Type": "application/json", **headers}
    )
