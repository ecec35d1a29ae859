"""Words of a session without what differs from one run to the next.

Times, ports, addresses, ids and the names of the objects become placeholders, so that
two sessions can be compared by what they mean.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from traces.requests import headers_of

if TYPE_CHECKING:
    from traces.events import JsonObject
    from traces.sessions import Session

__all__ = ["VOLATILE_HEADERS", "Normalizer"]

#: Headers whose values say nothing about what was meant.
VOLATILE_HEADERS = frozenset(
    {
        "audit-id",
        "authorization",
        "content-length",
        "date",
        "host",
        "kubectl-session",
        "sec-websocket-accept",
        "sec-websocket-key",
        "traceparent",
        "tracestate",
        "user-agent",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-uri",
        "x-kubernetes-pf-flowschema-uid",
        "x-kubernetes-pf-prioritylevel-uid",
    }
)

#: In this order: what is longer comes first.
_RULES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
        (r"\b[0-9a-f]{12,128}\b", "<id>"),
        (
            r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?",
            "<time>",
        ),
        (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "<time>"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b", "<address>"),
        (r"\[[0-9a-f:]{2,39}\](?::\d{1,5})?", "<address>"),
        (r"\blocalhost:\d{1,5}\b", "<address>"),
        (
            r"(?<=/)(?:exec|attach|portforward)/[\w*=-]{3,}(?=$|[\s\"?])",
            "<streaming url>",
        ),
    )
)


class Normalizer:
    """Normalises the words of one session; its own names become `<pod>` and so on."""

    def __init__(self, session: Session) -> None:
        asked = session.asked
        pairs = (
            (asked.pod, "<pod>"),
            (asked.namespace, "<namespace>"),
            (asked.container, "<container>"),
        )
        # a name that is part of another word stays
        self._names = [
            (re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])"), placeholder)
            for name, placeholder in pairs
            if name
        ]

    def text(self, text: str) -> str:
        """Any text without what is volatile."""
        for pattern, name in _RULES:
            text = pattern.sub(name, text)
        return text

    def named(self, text: str) -> str:
        """The same, and without the names of the session's objects."""
        text = self.text(text)
        for pattern, name in self._names:
            text = pattern.sub(name, text)
        return text

    def target(self, target: str) -> str:
        """A request's target; the names in its path and query, not in the command."""
        path, mark, query = target.partition("?")
        parts = [self._parameter(part) for part in query.split("&")]
        return self.named(path) + mark + "&".join(sorted(parts, key=_parameter))

    def _parameter(self, part: str) -> str:
        if part.startswith("command="):
            return part
        # a pod and its container often have one name
        return (
            "container=<container>"
            if part.startswith("container=")
            else self.named(part)
        )

    def headers(self, info: JsonObject) -> dict[str, str]:
        """Header -> value of those that mean something, names in lower case."""
        found: dict[str, str] = {}
        for key, value in headers_of(info):
            name = key.lower()
            if name and name not in VOLATILE_HEADERS:
                found.setdefault(name, self.text(value))
        return found


def _parameter(part: str) -> str:
    """Parameters may stand in any order; those of one name keep theirs."""
    return part.partition("=")[0]
