import re

import pytest

from hops.taps.masks import (
    holds_secrets,
    mask_headers,
    mask_target,
    paint_spans,
    secret_spans,
)

JWT = "eyJhbGciOiJFUzI1NiIs.eyJzdWIiOiJ4In0.c2ln"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer abc.def", "Bearer ***"),
        ("authorization", "opaque", "***"),
        ("Proxy-Authorization", "Basic dTpw", "Basic ***"),
        ("Cookie", "a=b", "***"),
        ("X-Api-Key", "abc", "***"),
        ("X-Forwarded-Access-Token", "abc", "***"),
        ("X-Forwarded-User", f"u {JWT}", "u ***"),
        ("Referer", "https://u:p@h/api?token=abc", "https://***@h/api?token=***"),
        ("Location", "http://h:1/exec/abc", "http://h:1/exec/***"),
        ("Location", "/attach/abc", "/attach/***"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZQ==", "dGhlIHNhbXBsZQ=="),
        ("Accept", "*/*", "*/*"),
        (
            "Sec-WebSocket-Protocol",
            "base64url.bearer.authorization.k8s.io.c2VjcmV0, v5.channel.k8s.io",
            "base64url.bearer.authorization.k8s.io.***, v5.channel.k8s.io",
        ),
    ],
)
def test_secrets_in_headers_are_masked(name, value, shown):
    head = f"GET / HTTP/1.1\r\n{name}: {value}\r\n\r\n".encode()

    assert mask_headers([(name, value)]) == [[name, shown]]
    painted = paint_spans(head, secret_spans(head)).decode()
    assert len(painted) == len(head)
    assert re.sub(r"\*{3,}", "***", painted).split("\r\n")[1] == f"{name}: {shown}"


def test_a_header_that_goes_on_in_the_next_line_is_masked_to_its_end():
    head = b"GET / HTTP/1.1\r\nAuthorization: Bearer\r\n abc\r\nAccept: x\r\n y\r\n\r\n"

    painted = paint_spans(head, secret_spans(head))

    assert b"abc" not in painted
    assert b"Accept: x\r\n y\r\n\r\n" in painted
    assert len(painted) == len(head)


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/exec/xY12_-Zz", "/exec/***"),
        ("/exec/default/nginx/c1?command=sh", "/exec/default/nginx/c1?command=sh"),
        ("/api?watch=1&access_token=abc&x=y", "/api?watch=1&access_token=***&x=y"),
        ("/api?a=b;Token=abc", "/api?a=b;Token=***"),
        ("/api?%61ccess%5ftoke%6E=abc", "/api?%61ccess%5ftoke%6E=***"),
        (f"/api?jwt={JWT}&x=y", "/api?jwt=***&x=y"),
        ("https://user:password@host/api", "https://***@host/api"),
        ("http://127.0.0.1:1/exec/xY12_-Zz", "http://127.0.0.1:1/exec/***"),
        ("/api/v1/pods", "/api/v1/pods"),
    ],
)
def test_one_time_tokens_in_urls_are_masked(target, shown):
    assert mask_target(target) == shown


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/secrets?limit=500",
        "/api/v1/watch/namespaces/a/secrets",
        "/api/v1/namespaces/a/secrets/b",
        "/api/v1/namespaces/a/%73ecrets/b",
        "//api/v1//namespaces/a/secrets/b",
        "/api/v1/namespaces/a/pods/../secrets/b",
        "/k8s/clusters/c-1/api/v1/namespaces/a/secrets",
        "/proxy/apis/authentication.k8s.io/v1/tokenreviews",
        "/api/v1/namespaces/a/serviceaccounts/b/token",
        "/apis/authentication.k8s.io/v1/tokenreviews",
        "/v3/kv/range",
        "/v3beta/watch",
        "/v3/auth/authenticate",
    ],
)
def test_bodies_with_secrets_are_known_by_the_target_as_a_server_reads_it(target):
    assert holds_secrets(target)


@pytest.mark.parametrize(
    "target", ["/api/v1/namespaces/secrets/pods", "/api/v1/pods?secrets", "*"]
)
def test_other_bodies_may_be_shown(target):
    assert not holds_secrets(target)
