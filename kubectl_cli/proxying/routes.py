"""Where a request goes: to the API server, to another path, or nowhere.

Source: golang/go net/http server.go (ServeMux cleans paths),
kubernetes/kubectl pkg/proxy/proxy_server.go (NewServer, stripLeaveSlash).
"""

from __future__ import annotations

import posixpath
from urllib.parse import quote

from kubectl_cli.proxying.answers import plain, redirect
from kubectl_cli.proxying.filtering import host_of
from wire.http1 import get_header
from wire.request_target import parse_target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubectl_cli.proxying.filtering import RequestFilter
    from wire.http1 import RequestHead

__all__ = ["Routes"]

_UNESCAPED = "!$&'()*+,/:;=@~"


class Routes:
    """The API below `prefix` here, and below `base` there; both begin with a slash."""

    def __init__(
        self, prefix: str, base: str, request_filter: RequestFilter | None
    ) -> None:
        self._prefix = prefix if prefix.endswith("/") else f"{prefix}/"
        # A prefix that is the API's own is part of the path.
        self._strips = not prefix.startswith("/api")
        self._base = base
        self._filter = request_filter

    def find(self, head: RequestHead) -> str | bytes:
        """The target to ask the server for, or the answer that is given here."""
        path, query = parse_target(head.target)
        mark = f"?{query}" if "?" in head.target else ""
        clean = _clean(path)
        if clean != path or f"{path}/" == self._prefix:
            place = clean if clean != path else self._prefix
            return redirect(quote(place, safe=_UNESCAPED) + mark)
        if not path.startswith(self._prefix):
            return plain(404, "404 page not found")
        raw = head.target.partition("?")[0]
        if not raw.startswith("/"):  # in absolute form
            raw = quote(path, safe=_UNESCAPED)
        if self._strips:
            path, raw = self._strip(path), self._strip(raw)
        host = host_of(get_header(head.headers, "host") or "")
        if self._filter and not self._filter.accepts(head.method, path, host):
            return plain(403, "Forbidden")
        return f"{self._base}{raw}{mark}"

    def _strip(self, path: str) -> str:
        if not path.startswith(self._prefix):  # it is escaped
            return path
        return path[len(self._prefix) - 1 :]


def _clean(path: str) -> str:
    """The path without empty parts, dots and double dots; a last slash stays."""
    # posixpath keeps two slashes in front
    clean = posixpath.normpath(f"/{path.lstrip('/')}")
    return f"{clean}/" if path.endswith("/") and clean != "/" else clean
