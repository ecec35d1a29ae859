import base64
import json

from hypothesis import given

from cri_runtime.shim.protocol import FD_MARK, encode
from hops.hop import Hop
from hops.session import from_token
from hops.trace import ALL_BYTES, TraceSettings
from tests.unit.hops.tapped import DOWN, UP, Tapped
from tests.unit.wire.splits import cut_lists

START = {"id": 1, "do": "start", "process": {"argv": ["sh"], "env": ["PW=hUnTeR2"]}}


@given(cut_lists(200))
def test_a_shim_is_told_line_by_line_without_the_values_of_environments(cuts):
    tapped = Tapped(Hop.CRI_SHIM, TraceSettings(data_bytes=ALL_BYTES))
    request = encode(START)

    tapped.feed(UP, FD_MARK + request, cuts)
    tapped.feed(DOWN, encode({"id": 1, "ok": {"pid": 7}}), cuts)
    tapped.feed(DOWN, encode({"event": "exit", "code": 0}), cuts)
    tapped.tap.lost("", 2.0)

    told = tapped.of("process")
    assert [e.type for e in told] == ["request", "answer", "notice"]
    assert told[0].info["message"]["process"]["env"] == ["PW=***"]
    assert told[1].info["do"] == "start"
    assert "hUnTeR2" not in "".join(e.to_json() for e in tapped.events)
    chunks = tapped.data("bytes", "up", "chunk")
    assert chunks == FD_MARK + request.replace(b"hUnTeR2", b"*" * 7)


def test_a_value_is_hidden_whole_and_in_the_command_that_it_was_expanded_into():
    tapped = Tapped(Hop.CRI_SHIM, TraceSettings(data_bytes=ALL_BYTES))
    request = encode(
        {
            "id": 1,
            "do": "start",
            "argv": ["web", "--key=aGk=aGk=", "--name=web"],
            "env": {"KEY": "aGk=aGk=", "HOSTNAME": "web", "N": "1"},
        }
    )

    tapped.feed(UP, request)

    (told,) = tapped.of("process")
    assert told.info["message"]["env"] == dict.fromkeys(("KEY", "HOSTNAME", "N"), "***")
    assert told.info["message"]["argv"] == ["web", "--key=***", "--name=web"]
    chunk = tapped.data("bytes", "up", "chunk")
    assert b"aGk" not in chunk
    assert b"--name=" in chunk
    assert len(chunk) == len(request)


def test_the_command_of_an_exec_is_what_a_user_typed():
    tapped = Tapped(Hop.CRI_SHIM)
    request = {"id": 1, "do": "exec", "argv": ["echo", "nginx"], "env": {"A": "nginx"}}

    tapped.feed(UP, encode(request))

    (told,) = tapped.of("process")
    assert told.info["message"]["argv"] == ["echo", "nginx"]


def test_secrets_are_shown_when_they_are_asked_for():
    tapped = Tapped(Hop.CRI_SHIM, TraceSettings(secrets=True))

    tapped.feed(UP, encode(START))

    (request,) = tapped.of("process")
    assert request.info["message"] == START
    assert json.loads(base64.b64decode(request.data)) == START


def test_a_line_that_began_before_the_trace_is_skipped():
    tapped = Tapped(Hop.CRI_SHIM)
    tapped.tap.connected({"late": True}, 1.0)

    tapped.feed(UP, b'env":["PW=hUnTeR2"]}\n' + encode(START))

    assert [(layer, kind) for _, layer, kind in tapped.told[1:]] == [
        ("raw", "skipped"),
        ("process", "request"),
    ]
    assert "hUnTeR2" not in "".join(e.to_json() for e in tapped.events)


def test_what_is_no_json_line_is_undecodable():
    tapped = Tapped(Hop.CRI_SHIM)

    tapped.feed(UP, b"[1]\n")

    assert tapped.told == [("up", "raw", "undecodable")]


def test_a_token_makes_the_same_session_for_the_call_and_the_connection():
    answer = Tapped(Hop.KUBELET_CRI_STREAMING)

    answer.feed(UP, b"GET /exec/tOkEn HTTP/1.1\r\n\r\n")

    assert {e.trace for e in answer.events} == {from_token("tOkEn").trace_id}
    assert "tOkEn" not in answer.events[0].to_json()
