"""The HTTP exchange before SPDY: answers and refusals, byte for byte."""

import pytest

from wire.errors import RemoteProtocolError
from wire.http1 import RequestHead, ResponseHead
from wire.remotecommand_spdy import SPDY_PROTOCOLS
from wire.spdy_negotiation import (
    check_spdy_answer,
    is_spdy_request,
    negotiate_spdy,
    offered_protocols,
    spdy_handshake,
)
from wire.websocket import HandshakeRefused

UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1")]


def request(*headers):
    return RequestHead("POST", "/exec/a/b/c", list(headers))


def version(name):
    return ("X-Stream-Protocol-Version", name)


def refusal(*headers, **options):
    with pytest.raises(HandshakeRefused) as refused:
        negotiate_spdy(request(*headers), SPDY_PROTOCOLS, **options)
    return refused.value.response.decode()


def test_the_answer_names_the_chosen_version():
    negotiated = negotiate_spdy(
        request(*UPGRADE, version("v5.channel.k8s.io"), version("v4.channel.k8s.io")),
        SPDY_PROTOCOLS,
    )

    assert negotiated.subprotocol == "v4.channel.k8s.io"
    assert negotiated.response == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Connection: Upgrade\r\n"
        b"Upgrade: SPDY/3.1\r\n"
        b"X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("lines", "chosen"),
    [
        (["channel.k8s.io", "v4.channel.k8s.io"], "channel.k8s.io"),
        (
            ["v5.channel.k8s.io, v3.channel.k8s.io ,v4.channel.k8s.io"],
            "v3.channel.k8s.io",
        ),
        (["", "v2.channel.k8s.io"], "v2.channel.k8s.io"),
    ],
    ids=["order of the client", "commas", "empty line"],
)
def test_the_first_version_of_the_client_that_is_known_wins(lines, chosen):
    head = request(*UPGRADE, *map(version, lines))

    assert negotiate_spdy(head, SPDY_PROTOCOLS).subprotocol == chosen


@pytest.mark.parametrize(
    "headers",
    [
        [("connection", "keep-alive, upgrade"), ("UPGRADE", "spdy/3.1")],
        [("Connection", "Upgrade"), ("Upgrade", "websocket, SPDY/3.1")],
    ],
)
def test_the_words_may_stand_anywhere_in_any_case(headers):
    head = request(*headers, version("v4.channel.k8s.io"))

    assert is_spdy_request(head.headers)
    assert negotiate_spdy(head, SPDY_PROTOCOLS).subprotocol == "v4.channel.k8s.io"


def test_no_version_is_refused_with_the_number_of_headers():
    answer = refusal(*UPGRADE, ("Host", "a"), ("Accept", "b"), ("accept", "c"))

    body = (
        "unable to upgrade: header X-Stream-Protocol-Version does not exist "
        "in request with 3 headers\n"
    )
    assert answer == (
        "HTTP/1.1 400 Bad Request\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )


def test_servers_before_1_35_answer_no_version_with_an_empty_200():
    answer = refusal(*UPGRADE, missing_is_error=False)

    assert answer == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", "header X-Stream-Protocol-Version is empty"),
        (
            ",",
            "header X-Stream-Protocol-Version contains [,], but no valid protocols",
        ),
    ],
)
def test_an_empty_version_is_refused(value, text):
    assert refusal(*UPGRADE, version(value)).endswith(f"unable to upgrade: {text}\n")


def test_no_common_version_is_refused_with_all_that_are_accepted():
    answer = refusal(
        *UPGRADE, version("v5.channel.k8s.io"), version("v6.channel.k8s.io")
    )

    assert answer.startswith("HTTP/1.1 403 Forbidden\r\n")
    for name in SPDY_PROTOCOLS:
        assert f"X-Accepted-Stream-Protocol-Versions: {name}\r\n" in answer
    assert answer.endswith(
        "\r\n\r\nunable to upgrade: unable to negotiate protocol: client supports "
        "[v5.channel.k8s.io v6.channel.k8s.io], server accepts [v4.channel.k8s.io "
        "v3.channel.k8s.io v2.channel.k8s.io channel.k8s.io]\n"
    )


def test_missing_upgrade_headers_are_shown_as_go_shows_them():
    answer = refusal(
        ("Host", "a"),
        version("v4.channel.k8s.io"),
        ("connection", "close"),
        ("Accept", "x"),
        ("Accept", 'y"'),
    )

    assert answer.startswith("HTTP/1.1 400 Bad Request\r\n")
    assert answer.endswith(
        "unable to upgrade: missing upgrade headers in request: "
        'http.Header{"Accept":[]string{"x", "y\\""}, "Connection":[]string{"close"}, '
        '"X-Stream-Protocol-Version":[]string{"v4.channel.k8s.io"}}\n'
    )


def test_our_request_is_one_that_we_answer():
    offered = ["v4.channel.k8s.io", "channel.k8s.io"]
    headers = spdy_handshake(offered)

    assert is_spdy_request(headers)
    assert offered_protocols(headers) == offered


@pytest.mark.parametrize(
    ("chosen", "result"),
    [([version("v4.channel.k8s.io")], "v4.channel.k8s.io"), ([], "")],
)
def test_an_answer_is_read(chosen, result):
    head = ResponseHead(101, "Switching Protocols", [*UPGRADE, *chosen])

    assert check_spdy_answer(head) == result


@pytest.mark.parametrize(
    ("status", "headers", "body", "text"),
    [
        (404, [], b"pod does not exist", "pod does not exist"),
        (
            403,
            [],
            b'{"kind":"Status","apiVersion":"v1","message":"pods \\"p\\" is forbidden"}',
            'pods "p" is forbidden',
        ),
        (400, [], b'{"message":"no Status"}', '{"message":"no Status"}'),
        (200, [], b"", "empty server response"),
        (101, [], b"", "empty server response"),
        (101, [("Connection", "Upgrade"), ("Upgrade", "websocket")], b"x\n", "x"),
    ],
)
def test_a_refusal_is_told_in_words_of_client_go(status, headers, body, text):
    with pytest.raises(RemoteProtocolError) as refused:
        check_spdy_answer(ResponseHead(status, "", headers), body)

    assert str(refused.value) == f"unable to upgrade connection: {text}"
