import pytest

from hops.masks import mask_headers, mask_target


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
