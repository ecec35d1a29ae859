"""Sessions compared by meaning, and what a replay plays."""

from __future__ import annotations

import pytest

from tests.unit.traces.exec_session import SESSION, exec_trace
from traces.diff import compare
from traces.recording import Chunk, Recorded, RecordingError, exchanges_of, recorded
from traces.redecode import decoded
from traces.replay_server import ReplayServer


def session(**changes):
    return exec_trace(**changes).session(SESSION)


def test_a_session_is_equal_to_itself():
    found = compare(session(), session())

    assert found.equal
    assert found.text().endswith("no difference\n")


def test_other_output_is_one_difference_on_all_hops():
    found = compare(session(), session(output=b"ho\n"))

    (difference,) = found.differences
    assert difference.what == "stdout"
    assert difference.where == (
        "kubectl-apiserver, apiserver-kubelet, kubelet-cri-streaming, cri-shim"
    )
    assert '"hi\\n"' in difference.left
    assert '"ho\\n"' in difference.right


def test_another_status_is_told_with_both_values():
    found = compare(session(), session(status={"status": "Success"}))

    told = {(d.where, d.what, d.left, d.right) for d in found.differences}
    assert ("session", "status", "exit 3", "exit 0") in told


def test_where_a_stream_is_cut_means_nothing():
    whole = [Chunk("open", b"", 1.0), *switch(), Chunk("down", message(b"hi\n"), 2.0)]
    cut = [
        *whole[:-1],
        Chunk("down", message(b"h"), 2.0),
        Chunk("down", message(b"i\n"), 3),
    ]

    sides = [
        decoded([Recorded("c", "kubectl-apiserver", chunks)], "kubectl-apiserver")
        for chunks in (whole, cut)
    ]

    assert compare(*sides).equal


def message(data: bytes) -> bytes:
    return b"\x82" + bytes([len(data) + 1]) + b"\x01" + data


def switch():
    up = (
        b"GET /api/v1/namespaces/d/pods/p/exec?stdout=true HTTP/1.1\r\nHost: h\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    )
    down = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n"
    )
    return Chunk("up", up, 1.1), Chunk("down", down, 1.2)


def test_what_was_recorded_is_what_went_by():
    connections = recorded(exec_trace().events, "kubectl-apiserver")

    (connection,) = connections
    assert [chunk.kind for chunk in connection.chunks][:3] == ["open", "up", "down"]
    assert compare(decoded(connections, "kubectl-apiserver"), session(), facts=False)


def test_without_bytes_there_is_nothing_to_play():
    with pytest.raises(RecordingError, match="--bytes all"):
        recorded(exec_trace(data_bytes=10).events, "kubectl-apiserver")


def chunks(*pairs) -> Recorded:
    made = [Chunk("open", b"", 0.0)]
    made += [Chunk(kind, data, float(n)) for n, (kind, data) in enumerate(pairs, 1)]
    return Recorded("c", "kubectl-apiserver", made)


GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_requests_and_answers_are_found_however_they_were_cut(size):
    up, down = GET + POST + GET, OK + CHUNKED + b"HTTP/1.1 100 Continue\r\n\r\n" + OK
    pieces = [("up", up[i : i + size]) for i in range(0, len(up), size)]
    pieces += [("down", down[i : i + size]) for i in range(0, len(down), size)]

    found = exchanges_of(chunks(*pieces))

    assert [each.request.target for each in found] == ["/a", "/b", "/a"]
    assert [joined(each.asked) for each in found] == [GET, POST, GET]
    assert [joined(each.answer) for each in found][:2] == [OK, CHUNKED]


def test_what_follows_a_switch_is_kept_by_time():
    up, down = switch()
    later = ("down", b"\x88\x00"), ("up", b"\x88\x80abcd")

    (found,) = exchanges_of(chunks(("up", up.data), ("down", down.data), *later))

    assert [(c.kind, c.data) for c in found.after] == list(later)


def test_a_request_that_was_never_answered_has_no_response():
    (found,) = exchanges_of(chunks(("up", GET), ("down", b"HTTP/1.1 200")))

    assert found.response is None


def test_what_is_no_http_is_refused():
    with pytest.raises(RecordingError, match="not HTTP"):
        ReplayServer([chunks(("up", b"\x00\x01\x02\r\n\r\n"))])


def joined(pieces) -> bytes:
    return b"".join(chunk.data for chunk in pieces)
