"""Requests that net/http refuses before any handler sees them."""

import pytest

from wire.bad_requests import UNSUPPORTED_CODING, check_request, refusal


@pytest.mark.parametrize(
    ("method", "target", "version", "hosts"),
    [
        ("GET", "/", (1, 1), ["a"]),
        ("GET", "/", (1, 1), [""]),
        ("GET", "/", (1, 1), ["[::1]:80"]),
        ("GET", "http://a/", (1, 1), ["b"]),
        ("GET", "/", (1, 0), []),
        ("GET", "/", (1, 2), ["a"]),
        ("OPTIONS", "*", (1, 1), ["a"]),
        ("CONNECT", "a:1", (1, 1), []),
    ],
)
def test_a_proper_request(method, target, version, hosts):
    assert check_request(method, target, version, hosts) is None


@pytest.mark.parametrize(
    ("target", "version", "hosts", "text"),
    [
        ("/%zz", (1, 1), ["a"], "400 Bad Request"),
        ("exec", (1, 1), ["a"], "400 Bad Request"),
        ("/", (1, 1), ["a", "a"], "400 Bad Request"),
        ("/", (0, 9), ["a"], "400 Bad Request"),
        ("/", (1, 1), [], "400 Bad Request: missing required Host header"),
        ("/", (1, 0), ["a b"], "400 Bad Request: malformed Host header"),
        ("/", (1, 1), ["a/b"], "400 Bad Request: malformed Host header"),
        (
            "/",
            (2, 0),
            ["a"],
            "505 HTTP Version Not Supported: unsupported protocol version",
        ),
    ],
)
def test_what_is_wrong_is_said_in_gos_words(target, version, hosts, text):
    assert check_request("GET", target, version, hosts) == text


def test_a_refusal_ends_the_connection_and_says_its_line_again():
    head = b"\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

    assert refusal() == b"HTTP/1.1 400 Bad Request" + head + b"400 Bad Request"
    assert refusal(UNSUPPORTED_CODING) == (
        b"HTTP/1.1 501 Not Implemented" + head + b"Unsupported transfer encoding"
    )
