"""What a proxy carries, what it answers itself, and where requests go."""

from __future__ import annotations

import pytest

from kubectl_cli.proxying.filtering import BadExpressionError, RequestFilter, host_of
from kubectl_cli.proxying.routes import Routes
from kubectl_cli.verbs.proxy import FLAGS
from wire.http1 import RequestHead

_DEFAULTS = {
    flag.name.replace("-", "_"): str(flag.default)
    for flag in FLAGS
    if flag.name in ("accept-hosts", "accept-paths", "reject-methods", "reject-paths")
}


def request(target: str, host: str = "localhost:8001") -> RequestHead:
    return RequestHead("GET", target, [("Host", host)])


def routes(prefix: str = "/", base: str = "") -> Routes:
    return Routes(prefix, base, RequestFilter(**_DEFAULTS))


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost", "localhost"),
        ("localhost:8001", "localhost"),
        ("[::1]", "[::1]"),
        ("[::1]:8001", "::1"),
        ("::1", "::1"),
        ("", ""),
    ],
)
def test_the_host_is_what_stands_before_the_port(header: str, name: str) -> None:
    assert host_of(header) == name


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("/api/v1/namespaces/default/pods/web/exec?command=sh", "localhost"),
        ("/api/v1/namespaces/default/pods/web/%65xec", "localhost"),
        ("/api/v1/namespaces/default/pods/web%2Fattach", "localhost"),
        ("/version", "evil.example:8001"),
        ("/version", ""),
    ],
)
def test_some_requests_are_forbidden(target: str, host: str) -> None:
    answer = routes().find(request(target, host))

    assert isinstance(answer, bytes)
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")


def test_a_filter_is_made_of_expressions() -> None:
    with pytest.raises(BadExpressionError, match=r"^error parsing regexp: .*: `\[`$"):
        RequestFilter(**{**_DEFAULTS, "accept_hosts": "^a$,["})


@pytest.mark.parametrize(
    ("prefix", "base", "target", "asked"),
    [
        ("/", "", "/api/v1/pods?watch=true", "/api/v1/pods?watch=true"),
        ("/", "", "/api/v1/x%2Fy", "/api/v1/x%2Fy"),
        ("/", "/base", "/api", "/base/api"),
        ("/custom", "", "/custom/api", "/api"),
        ("/api/", "", "/api/v1", "/api/v1"),
        ("/", "", "http://localhost/version", "/version"),
    ],
)
def test_requests_go_below_the_server(
    prefix: str, base: str, target: str, asked: str
) -> None:
    assert routes(prefix, base).find(request(target)) == asked


@pytest.mark.parametrize(
    ("prefix", "target", "line"),
    [
        ("/custom", "/version", b"404 Not Found"),
        ("/custom", "/customversion", b"404 Not Found"),
        ("/custom", "/custom", b"307 Temporary Redirect"),
        ("/", "//api/v1/namespaces/a/pods/b/exec", b"307 Temporary Redirect"),
        ("/", "/a/../version", b"307 Temporary Redirect"),
    ],
)
def test_other_paths_are_answered_here(prefix: str, target: str, line: bytes) -> None:
    answer = routes(prefix).find(request(target))

    assert isinstance(answer, bytes)
    assert answer.startswith(b"HTTP/1.1 " + line)
