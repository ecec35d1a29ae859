"""`bytes = all`: the exact bytes of a connection, secrets painted over."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hops.trace import ALL_BYTES, TraceSettings
from rpc import cri_v1_pb2 as cri
from tests.unit.hops.tapped import DOWN, UP, Tapped, request, switched
from tests.unit.wire.splits import cut_lists
from wire.http2 import PREFACE

ALL = TraceSettings(data_bytes=ALL_BYTES)
OPEN = TraceSettings(data_bytes=ALL_BYTES, secrets=True)


def chunks(tapped, direction):
    return [
        base64.b64decode(e.data or "") for e in tapped.of("bytes") if e.dir == direction
    ]


def starred(data, *secrets):
    for secret in secrets:
        data = data.replace(secret, b"*" * len(secret))
    return data


HEADS = (
    b"GET /api/v1/pods?access_token=qUeRy HTTP/1.1\r\n"
    b"Authorization: Bearer eyJ.tOkEn\r\nCookie: a=cRuMb\r\nAccept: */*\r\n"
    b"Sec-WebSocket-Protocol: v4.channel.k8s.io,"
    b" base64url.bearer.authorization.k8s.io.bEaReR\r\n\r\n"
)


@given(cut_lists(400))
def test_tokens_in_heads_are_painted_over_however_they_are_cut(cuts):
    tapped = Tapped(settings=ALL)

    tapped.feed(UP, HEADS * 2, cuts)
    tapped.tap.lost("", 2.0)

    told = b"".join(chunks(tapped, "up"))
    secrets = (b"qUeRy", b"eyJ.tOkEn", b"a=cRuMb", b"bEaReR")
    assert told == starred(HEADS * 2, *secrets)


@given(cut_lists(400))
def test_chunks_have_the_sizes_that_went_by(cuts):
    tapped, plain = Tapped(settings=ALL), Tapped(settings=OPEN)

    for each in (tapped, plain):
        each.feed(UP, HEADS, cuts)
        each.tap.lost("", 2.0)

    assert list(map(len, chunks(tapped, "up"))) == list(map(len, chunks(plain, "up")))
    assert b"".join(chunks(plain, "up")) == HEADS


@given(cut_lists(300), st.booleans())
def test_bodies_of_secrets_are_painted_over(cuts, chunked):
    tapped = Tapped(settings=ALL)
    body = b'{"data":{"pw":"aHVudGVyMg=="}}'
    head = b"HTTP/1.1 200 OK\r\n"
    if chunked:
        sent = b"1e\r\n" + body + b"\r\n0\r\n\r\n"
        head += b"Transfer-Encoding: chunked\r\n\r\n"
    else:
        sent, head = body, head + b"Content-Length: 30\r\n\r\n"

    tapped.feed(UP, b"GET /api/v1/namespaces/d/secrets/s HTTP/1.1\r\n\r\n")
    tapped.feed(DOWN, head + sent, cuts)

    told = b"".join(chunks(tapped, "down"))
    assert len(told) == len(head + sent)
    assert told.startswith(head)
    assert b"aHVudGVyMg" not in told
    assert all(e.data is None for e in tapped.of("http1") if e.type == "body")
    if not chunked:
        assert told == head + b"*" * 30


@given(cut_lists(200))
def test_tokens_in_the_trailer_of_a_body_in_chunks_are_painted_over(cuts):
    tapped = Tapped(settings=ALL)
    sent = (
        b"POST /api/v1/pods HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nhi\r\n0\r\nX-Sum: 1\r\nAuthorization: Bearer tOkEn\r\n\r\n"
    )

    tapped.feed(UP, sent * 2, cuts)

    assert b"".join(chunks(tapped, "up")) == starred(sent * 2, b"tOkEn")


def grpc_call(message, path=b"/runtime.v1.RuntimeService/Exec"):
    def frame(kind, flags, payload):
        head = len(payload).to_bytes(3, "big") + bytes((kind, flags, 0, 0, 0, 1))
        return head + payload

    def literal(name, value):
        return b"\x00" + bytes((len(name),)) + name + bytes((len(value),)) + value

    block = b"\x83" + literal(b":path", path)
    block += literal(b"content-type", b"application/grpc")
    data = b"\x00" + len(message).to_bytes(4, "big") + message
    up = PREFACE + frame(1, 4, block)
    return up, frame(1, 4, b"\x88"), [frame(0, 0, data)]


@given(cut_lists(100))
def test_the_token_of_a_streaming_url_is_painted_over_in_grpc(cuts):
    tapped = Tapped(settings=ALL)
    answer = cri.ExecResponse(url="http://127.0.0.1:9/exec/tOkEn").SerializeToString()
    up, head, (data,) = grpc_call(answer)

    tapped.feed(UP, up)
    tapped.feed(DOWN, head + data, cuts)

    assert b"".join(chunks(tapped, "down")) == starred(head + data, b"tOkEn")
    assert b"".join(chunks(tapped, "up")) == up


def test_a_secret_that_frames_cut_takes_all_that_waits_along():
    tapped = Tapped(settings=ALL)
    envs = [cri.KeyValue(key="PASSWORD", value=b"hUnTeR2" * 10)]
    config = cri.ContainerConfig(envs=envs)
    message = cri.CreateContainerRequest(config=config).SerializeToString()
    path = b"/runtime.v1.RuntimeService/CreateContainer"
    up, _, (whole,) = grpc_call(message, path)
    data = whole[9:]
    frames = [
        len(part).to_bytes(3, "big") + bytes((0, 0, 0, 0, 0, 1)) + part
        for part in (data[:60], data[60:])
    ]

    tapped.feed(UP, up + frames[0])
    tapped.feed(UP, frames[1])

    told = b"".join(chunks(tapped, "up"))
    assert len(told) == len(up + b"".join(frames))
    assert b"hUnTeR2" not in told
    assert "hUnTeR2" not in "".join(e.to_json() for e in tapped.events)
    asked = next(e for e in tapped.of("grpc") if e.type == "message")
    assert asked.info["message"]["config"]["envs"] == [
        {"key": "PASSWORD", "value": "***"}
    ]


def test_half_a_head_at_the_end_is_told_as_if_it_were_secret():
    tapped = Tapped(settings=ALL)

    tapped.feed(UP, b"GET / HTTP/1.1\r\nAuthorization: Bearer tOkEn")
    tapped.tap.lost("reset", 2.0)

    assert chunks(tapped, "up") == [b"*" * 43]


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01Authorization: Bearer tOkEn\r\n",
        b"\x00bearer tOkEn",
        b"\x01eyJhbGciOiJIUzI1NiJ9.tOkEn.s1g",
    ],
)
def test_what_looks_like_a_credential_is_painted_over_in_unknown_bytes(junk):
    tapped = Tapped(settings=ALL)

    tapped.feed(UP, junk)
    tapped.feed(UP, junk)

    told = b"".join(chunks(tapped, "up"))
    assert len(told) == 2 * len(junk)
    assert b"tOkEn" not in told
    assert b"tOkEn" not in tapped.data("raw", "up", "data")


@given(st.lists(st.tuples(st.sampled_from((UP, DOWN)), st.binary(max_size=80))))
def test_frames_after_an_upgrade_are_told_at_once_and_as_they_are(parts):
    tapped = Tapped(settings=ALL)
    head = request("/exec/web/web/c", Upgrade="websocket")
    answer = switched(Upgrade="websocket")
    tapped.feed(UP, head)
    tapped.feed(DOWN, answer)

    for direction, data in parts:
        tapped.feed(direction, data)

    for direction, first in ((UP, head), (DOWN, answer)):
        sent = b"".join(data for way, data in parts if way is direction)
        assert b"".join(chunks(tapped, direction)) == first + sent


def test_short_values_of_an_environment_spoil_no_other_bytes():
    tapped = Tapped(settings=ALL)
    envs = [cri.KeyValue(key=name, value=b"1") for name in ("A", "B")]
    envs.append(cri.KeyValue(key="C", value=b"\x00\x01"))
    message = cri.CreateContainerRequest(
        pod_sandbox_id="1", config=cri.ContainerConfig(envs=envs)
    )
    data = message.SerializeToString()
    path = b"/runtime.v1.RuntimeService/CreateContainer"
    up, _, (frame,) = grpc_call(data, path)

    tapped.feed(UP, up + frame)

    told = b"".join(chunks(tapped, "up"))
    assert told.startswith(up + frame[:14])
    seen = cri.CreateContainerRequest.FromString(told[len(up) + 14 :])
    assert [e.value for e in seen.config.envs] == [b"*", b"*", b"**"]
    assert seen.pod_sandbox_id == "1"


@pytest.mark.parametrize("body", [b"1", b"a1", b"1\r\n1\r\n"])
def test_a_short_secret_body_goes_with_its_chunk_sizes(body):
    tapped = Tapped(settings=ALL)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    tapped.feed(UP, b"GET /api/v1/namespaces/d/secrets/s HTTP/1.1\r\n\r\n")

    tapped.feed(DOWN, head + sent)

    assert b"".join(chunks(tapped, "down")) == head + b"*" * len(sent)
