"""-v: what kubectl logs of its requests at the levels 6 to 9, on stderr.

Source: kubernetes/client-go transport/round_trippers.go and rest/request.go, in the
form of klog; the line numbers in the heads are those of 1.36.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Headers = Sequence[tuple[str, str]]

__all__ = ["RequestLog", "klog"]

_SECRET = {"authorization", "impersonate-uid"}
_HIDDEN = {"host", "content-length", "connection", "upgrade", "accept-encoding"}


def klog(severity: str, source: str, text: str) -> None:
    """One line as klog writes it: `I1122 07:53:55.286260   18250 file.go:1] text`."""
    now = time.time()
    clock = time.strftime("%m%d %H:%M:%S", time.localtime(now))
    micros = int(now % 1 * 1_000_000)
    head = f"{severity}{clock}.{micros:06d} {os.getpid():>7} {source}]"
    print(f"{head} {text}", file=sys.stderr)


class RequestLog:
    """Logs the requests of one command at a level."""

    def __init__(self, level: int) -> None:
        self.level = level

    def request(
        self, method: str, url: str, headers: Headers, body: bytes, *, shows_body: bool
    ) -> None:
        """A request is about to be sent."""
        if self.level >= 8 and shows_body:
            self._body("Request Body", body)
        if self.level >= 9:
            klog("I", "round_trippers.go:527", _curl(method, url, headers))
        elif self.level >= 7:
            listed = _listed(headers)
            text = f'"Request" verb="{method}" url="{url}" headers=<\n{listed} >'
            klog("I", "round_trippers.go:527", text)

    def response(
        self, method: str, url: str, status: str, headers: Headers, seconds: float
    ) -> None:
        """The head of the answer came."""
        if self.level < 6:
            return
        text = '"Response"'
        if self.level == 6 or self.level >= 9:
            text += f' verb="{method}" url="{url}"'
        text += f' status="{status}"'
        if self.level >= 8:
            text += f" headers=<\n{_listed(headers)} >"
        klog("I", "round_trippers.go:632", f"{text} milliseconds={int(seconds * 1000)}")

    def body(self, body: bytes) -> None:
        """The whole answer came."""
        if self.level >= 8:
            self._body("Response Body", body)

    def _body(self, title: str, body: bytes) -> None:
        from apimachinery.go_text import quote

        text = body.decode("utf-8", "backslashreplace")
        # request.go truncateBody: 1024 characters at 8, 10240 at 9, all at 10
        limit = {8: 1024, 9: 10240}.get(self.level, len(text))
        more = f" [truncated {len(text) - limit} chars]" if len(text) > limit else ""
        if "\n" in text:
            shown = "".join(f"\t{line}\n" for line in (text[:limit] + more).split("\n"))
            klog("I", "helper.go:105", f'"{title}" body=<\n{shown} >')
        else:
            klog("I", "helper.go:105", f'"{title}" body={quote(text[:limit] + more)}')


def _masked(name: str, value: str) -> str:
    if name.lower() != "authorization" or not value:
        return value
    scheme, blank, _ = value.partition(" ")
    return f"{scheme} <masked>" if blank else "<masked>"


def _shown(headers: Headers) -> list[tuple[str, str]]:
    kept = [(_canonical(n), v) for n, v in headers if n.lower() not in _HIDDEN]
    return sorted((name, _masked(name, value)) for name, value in kept)


def _canonical(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _listed(headers: Headers) -> str:
    return "".join(f"\t{name}: {value}\n" for name, value in _shown(headers))


def _curl(method: str, url: str, headers: Headers) -> str:
    given = " ".join(f'-H "{name}: {value}"' for name, value in _shown(headers))
    return f"\"Request\" curlCommand=<\n\tcurl -v -X{method}  {given} '{url}'\n >"
