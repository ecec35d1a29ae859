import base64

import pytest

from apimachinery.status import StatusError
from apiserver.storage.continue_token import ContinueToken


def test_a_token_is_what_a_real_server_makes():
    token = ContinueToken(123, "ns/name\0").encode()

    text = base64.urlsafe_b64decode(token + "==")
    assert text == b'{"v":"meta.k8s.io/v1","rv":123,"start":"ns/name\\u0000"}'
    assert ContinueToken.decode(token) == ContinueToken(123, "ns/name\0")


def encoded(text):
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        "%%%",
        "x",
        encoded(b"not json"),
        encoded(b"[]"),
        encoded(b'{"v":"v2","rv":1,"start":"a"}'),
        encoded(b'{"v":"meta.k8s.io/v1","rv":"1","start":"a"}'),
        encoded(b'{"v":"meta.k8s.io/v1","rv":0,"start":"a"}'),
        encoded(b'{"v":"meta.k8s.io/v1","rv":1,"start":""}'),
        encoded(b'{"v":"meta.k8s.io/v1","rv":1,"start":"../secrets/x"}'),
    ],
)
def test_other_tokens_are_refused(token):
    with pytest.raises(StatusError, match=r"^continue key is not valid: ") as caught:
        ContinueToken.decode(token)

    assert caught.value.code == 400
