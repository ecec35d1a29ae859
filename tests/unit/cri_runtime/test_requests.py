"""The cache behind the streaming URLs."""

import re

import pytest

from cri_runtime.errors import Code, CriError
from cri_runtime.streaming.requests import (
    MAX_PENDING,
    TTL_SECONDS,
    PendingRequest,
    RequestCache,
)

REQUEST = PendingRequest("exec", "target")


def test_a_token_is_eight_characters_that_need_no_escaping():
    assert re.fullmatch(r"[A-Za-z0-9_-]{8}", RequestCache().insert(REQUEST, 0.0))


def test_a_token_works_once():
    cache = RequestCache()
    token = cache.insert(REQUEST, 0.0)

    assert cache.consume(token, 1.0) is REQUEST
    assert cache.consume(token, 1.0) is None


def test_a_token_works_for_a_minute():
    cache = RequestCache()
    early, late = cache.insert(REQUEST, 0.0), cache.insert(REQUEST, 0.0)

    assert cache.consume(early, TTL_SECONDS - 0.001) is REQUEST
    assert cache.consume(late, TTL_SECONDS) is None


def test_an_unknown_token_stands_for_nothing():
    assert RequestCache().consume("AAAAAAAA", 0.0) is None


def test_a_thousand_may_wait_and_expired_ones_do_not_count():
    cache = RequestCache()
    for _ in range(MAX_PENDING):
        cache.insert(REQUEST, 0.0)

    with pytest.raises(
        CriError, match="maximum number of in-flight requests"
    ) as caught:
        cache.insert(REQUEST, TTL_SECONDS - 0.001)
    cache.insert(REQUEST, TTL_SECONDS)

    assert caught.value.code is Code.RESOURCE_EXHAUSTED
    assert len(cache) == 1
