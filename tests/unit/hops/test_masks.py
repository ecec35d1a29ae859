import pytest

from hops.masks import holds_secrets, mask_headers, mask_target


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer abc.def", "Bearer ***"),
        ("authorization", "opaque", "***"),
        ("Proxy-Authorization", "Basic dTpw", "Basic ***"),
        ("Cookie", "a=b", "***"),
        ("Accept", "*/*", "*/*"),
        (
            "Sec-WebSocket-Protocol",
            "base64url.bearer.authorization.k8s.io.c2VjcmV0, v5.channel.k8s.io",
            "base64url.bearer.authorization.k8s.io.***, v5.channel.k8s.io",
        ),
    ],
)
def test_secrets_in_headers_are_masked(name, value, shown):
    assert mask_headers([(name, value)]) == [[name, shown]]


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/exec/xY12_-Zz", "/exec/***"),
        ("/exec/default/nginx/c1?command=sh", "/exec/default/nginx/c1?command=sh"),
        ("/api?watch=1&access_token=abc&x=y", "/api?watch=1&access_token=***&x=y"),
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
