import pytest

from wire.errors import RemoteProtocolError
from wire.http1 import RequestHead, ResponseHead
from wire.websocket import (
    HandshakeRefused,
    accept_key,
    check_client_handshake,
    client_handshake,
    is_websocket_request,
    negotiate,
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ALLOWED = ("", "channel.k8s.io", "v4.channel.k8s.io", "v5.channel.k8s.io")


def request(*subprotocol_lines, method="GET", **changed):
    headers = {
        "Host": "h",
        "Upgrade": "websocket",
        "Connection": "keep-alive, Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    } | {name.replace("_", "-"): value for name, value in changed.items()}
    items = [(name, value) for name, value in headers.items() if value is not None]
    items += [("Sec-Websocket-Protocol", line) for line in subprotocol_lines]
    return RequestHead(method, "/exec", items)


def test_the_accept_key_is_that_of_the_rfc():
    assert accept_key(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("lines", "chosen"),
    [
        (["v5.channel.k8s.io"], "v5.channel.k8s.io"),
        (["v4.channel.k8s.io, v5.channel.k8s.io"], "v4.channel.k8s.io"),
        (["nope,v4.channel.k8s.io"], "v4.channel.k8s.io"),
        ([], ""),
    ],
)
def test_the_first_of_the_client_that_is_allowed_is_chosen(lines, chosen):
    assert negotiate(request(*lines), ALLOWED).subprotocol == chosen


def test_an_accepted_handshake_has_exactly_these_lines():
    answer = negotiate(request("v4.channel.k8s.io"), ALLOWED).response

    assert answer == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n"
        b"\r\n"
    )


def test_no_subprotocol_is_answered_with_an_empty_line():
    assert b"\r\nSec-WebSocket-Protocol: \r\n" in negotiate(request(), ALLOWED).response


@pytest.mark.parametrize(
    "lines",
    [["v5.channel.k8s.io"], ["v5.channel.k8s.io", "v4.channel.k8s.io"], ["v2, v3"]],
    ids=["unknown", "only the first line counts", "SPDY names"],
)
def test_no_common_subprotocol_is_a_bare_403(lines):
    with pytest.raises(HandshakeRefused) as caught:
        negotiate(request(*lines), ("", "v4.channel.k8s.io"))
    assert caught.value.response == b"HTTP/1.1 403 Forbidden\r\n\r\n"


def test_no_subprotocol_is_refused_where_one_is_needed():
    with pytest.raises(HandshakeRefused):
        negotiate(request(), ("v4.channel.k8s.io",))


@pytest.mark.parametrize(
    ("head", "status", "part"),
    [
        (request(method="POST"), 405, b"bad method"),
        (request(Upgrade="SPDY/3.1"), 400, b"not websocket protocol"),
        (request(Connection="close"), 400, b"not websocket protocol"),
        (request(Sec_WebSocket_Key=None), 400, b"mismatch challenge/response"),
        (request(Sec_WebSocket_Version="8"), 400, b"Sec-WebSocket-Version: 13\r\n"),
        (request(Sec_WebSocket_Version=None), 400, b"bad WebSocket Version"),
    ],
)
def test_what_is_not_a_handshake_is_refused(head, status, part):
    with pytest.raises(HandshakeRefused) as caught:
        negotiate(head, ALLOWED)
    assert caught.value.status == status
    assert caught.value.response.startswith(b"HTTP/1.1 %d " % status)
    assert part in caught.value.response


def test_a_client_offers_all_in_one_line():
    headers = client_handshake(KEY, ["v5.channel.k8s.io", "v4.channel.k8s.io"])

    assert is_websocket_request(headers)
    assert ("Sec-WebSocket-Protocol", "v5.channel.k8s.io, v4.channel.k8s.io") in headers


def answer(**changed):
    headers = {
        "Upgrade": "WebSocket",
        "Connection": "Upgrade",
        "Sec-Websocket-Accept": accept_key(KEY),
        "Sec-Websocket-Protocol": "v5.channel.k8s.io",
    } | {name.replace("_", "-"): value for name, value in changed.items()}
    status = int(headers.pop("status", 101))
    return ResponseHead(status, "", [(k, v) for k, v in headers.items() if v])


def test_a_client_takes_a_good_answer():
    chosen = check_client_handshake(answer(), KEY, ["v5.channel.k8s.io"])

    assert chosen == "v5.channel.k8s.io"


@pytest.mark.parametrize(
    "head",
    [
        answer(status="200"),
        answer(Upgrade="h2c"),
        answer(Connection="close"),
        answer(Sec_Websocket_Accept="x"),
        answer(Sec_Websocket_Protocol="v4.channel.k8s.io"),
        answer(Sec_Websocket_Protocol=None),
    ],
)
def test_a_client_refuses_anything_else(head):
    with pytest.raises(RemoteProtocolError):
        check_client_handshake(head, KEY, ["v5.channel.k8s.io"])
