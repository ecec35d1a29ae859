"""Targets and queries: what net/url makes of them."""

import pytest

from wire.errors import RemoteProtocolError
from wire.request_target import parse_query, parse_target


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/exec/a?command=ls", "/exec/a", "command=ls"),
        ("/a%20b/%C3%BC?x=%zz", "/a b/ü", "x=%zz"),
        ("/a+b", "/a+b", ""),
        ("/a?b?c", "/a", "b?c"),
        ("/a#b?c#d", "/a#b", "c#d"),
        ("//a/b", "//a/b", ""),
        ("http://host:1/exec/a?x", "/exec/a", "x"),
        ("http://host", "", ""),
        ("http:/a", "/a", ""),
        ("mailto:a", "", ""),
        ("*", "*", ""),
        ("/%ff%e2%82x", "/\ufffd\ufffd\ufffdx", ""),
        ("/ü", "/ü", ""),
        ("/\udcff", "/\ufffd", ""),
    ],
)
def test_a_target_is_a_path_and_a_query(target, path, query):
    assert parse_target(target) == (path, query)


@pytest.mark.parametrize(
    "target", ["", "exec", "/%", "/%z0", "/%0", "/a%2", "?a", "/a\x01", "/a b", "1:/a"]
)
def test_a_bad_target_is_refused(target):
    with pytest.raises(RemoteProtocolError):
        parse_target(target)


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ("", []),
        ("a", [("a", "")]),
        ("a=", [("a", "")]),
        ("=b", [("", "b")]),
        ("a=b=c&a=+%2B", [("a", "b=c"), ("a", " +")]),
        ("a=1&&b=2&", [("a", "1"), ("b", "2")]),
        ("a=1&b=2;c=3&d=4", [("a", "1"), ("d", "4")]),
        ("a=%3B", [("a", ";")]),
        ("a=%zz&b%=1&c=%&d=%4&e=%41", [("e", "A")]),
        ("a=%ff%e2%82", [("a", "\ufffd\ufffd\ufffd")]),
        ("a=%ed%a0%80", [("a", "\ufffd\ufffd\ufffd")]),
        ("a=%F0%9F%98%80", [("a", "😀")]),
        ("a=%00%0a", [("a", "\0\n")]),
    ],
)
def test_pairs_that_cannot_be_read_are_left_out(query, pairs):
    assert parse_query(query) == pairs
