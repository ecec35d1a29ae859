"""Which requests a proxy carries: a web page must not use it to reach the cluster.

Source: kubernetes/kubectl pkg/proxy/proxy_server.go (FilterServer).
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubectl_cli.flags import Options

__all__ = ["BadExpressionError", "RequestFilter", "host_of"]


class BadExpressionError(Exception):
    """A flag is no regular expression."""


class RequestFilter:
    """Four lists of regular expressions; each flag holds one, split at its commas."""

    def __init__(
        self,
        *,
        accept_hosts: str,
        accept_paths: str,
        reject_methods: str,
        reject_paths: str,
    ) -> None:
        self._accept_hosts = _expressions(accept_hosts)
        self._accept_paths = _expressions(accept_paths)
        self._reject_methods = _expressions(reject_methods)
        self._reject_paths = _expressions(reject_paths)

    @classmethod
    def of(cls, options: Options) -> RequestFilter:
        """The filter that the flags describe.

        Raises:
            BadExpressionError: one is no regular expression.
        """
        return cls(
            accept_hosts=options.text("accept-hosts"),
            accept_paths=options.text("accept-paths"),
            reject_methods=options.text("reject-methods"),
            reject_paths=options.text("reject-paths"),
        )

    def accepts(self, method: str, path: str, host: str) -> bool:
        """Whether a request may pass; `path` is unescaped, `host` has no port."""
        if _any(self._reject_paths, path) or _any(self._reject_methods, method):
            return False
        return _any(self._accept_paths, path) and _any(self._accept_hosts, host)


def host_of(header: str) -> str:
    """The name in a Host header; brackets go with the port, as net.SplitHostPort does."""
    if header.startswith("["):
        inner, closed, port = header[1:].partition("]:")
        return inner if closed and ":" not in port else header
    return header.partition(":")[0] if header.count(":") == 1 else header


def _expressions(text: str) -> list[re.Pattern[str]]:
    found = []
    for part in text.split(",") if text else ():
        try:
            found.append(re.compile(part))
        except re.error as error:
            raise BadExpressionError(
                f"error parsing regexp: {error.msg}: `{part}`"
            ) from None
    return found


def _any(expressions: list[re.Pattern[str]], text: str) -> bool:
    return any(each.search(text) for each in expressions)
