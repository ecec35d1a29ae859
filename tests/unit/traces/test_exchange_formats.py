"""Formats that other programs read; those read them in tests/e2e/test_trace_formats.py."""

from __future__ import annotations

import base64
import json
import struct

import pytest

from tests.unit.traces.exec_session import SESSION, exec_trace, numbered
from traces.formats import FORMATS, Options, render
from traces.formats.errors import RenderError
from traces.reader import read_lines


def session(**settings):
    return exec_trace(**settings).session(SESSION)


def shown(name: str, **options) -> bytes:
    return render(name, [session()], Options(**options))


def test_every_format_says_what_it_is():
    assert all(each.what and each.suffix.startswith(".") for each in FORMATS.values())


def test_har_has_the_messages_as_chrome_writes_them():
    archive = json.loads(shown("har"))["log"]

    outer = next(e for e in archive["entries"] if e["_hop"] == "kubectl-apiserver")
    messages = [(m["type"], m["opcode"]) for m in outer["_webSocketMessages"]]
    assert messages == [("receive", 2), ("receive", 2), ("receive", 8)]
    first = outer["_webSocketMessages"][0]
    assert base64.b64decode(first["data"]) == b"\x01hi\n"
    assert outer["response"]["status"] == 101
    assert outer["startedDateTime"] == "2001-09-09T01:46:50.000000Z"


def test_har_tells_which_hops_have_tls():
    entries = json.loads(shown("har"))["log"]["entries"]

    schemes = {e["_hop"]: e["request"]["url"].split(":")[0] for e in entries}
    assert schemes["kubectl-apiserver"] == "wss"
    assert schemes["kubelet-cri-streaming"] == "ws"


def test_spans_stand_below_one_another_from_the_client_to_the_process():
    found = json.loads(shown("otlp"))["resourceSpans"]

    lanes, parents = {}, {}
    for resource in found:
        lane = resource["resource"]["attributes"][0]["value"]["stringValue"]
        for span in resource["scopeSpans"][0]["spans"]:
            lanes[span["spanId"]] = lane
            parents[span["spanId"]] = span.get("parentSpanId")
            assert span["traceId"] == SESSION
    chain = [next(id_ for id_, lane in lanes.items() if lane == "process")]
    while parents[chain[-1]] is not None:
        chain.append(parents[chain[-1]])
    assert [lanes[id_] for id_ in chain] == [
        "process",
        "runtime",
        "kubelet",
        "apiserver",
        "client",
    ]


def test_a_recording_has_the_output_as_the_client_saw_it():
    header, *events = map(json.loads, shown("asciicast").splitlines())

    assert (header["version"], header["width"], header["height"]) == (2, 80, 24)
    assert events == [[0.013, "o", "hi\r\n"], [0.017, "m", "exit 3"]]


def test_the_third_version_counts_from_event_to_event_and_has_the_exit_status():
    header, *events = map(json.loads, shown("asciicast3").splitlines())

    assert header["term"] == {"cols": 80, "rows": 24, "type": "xterm-256color"}
    assert events == [[0.013, "o", "hi\r\n"], [0.004, "x", "3"]]


def test_a_recording_says_what_the_trace_does_not_hold():
    found = session(output=b"x" * 1000, data_bytes=10)

    text = render("asciicast", [found]).decode()

    assert "990 bytes not recorded" in text


def test_packets_need_whole_bytes():
    with pytest.raises(RenderError, match="--bytes all"):
        render("pcapng", [session(data_bytes=10)])


def test_packets_hold_the_recorded_bytes_in_order():
    streams: dict[tuple, bytes] = {}
    for source, target, flags, data in packets(shown("pcapng")):
        assert flags & 0x10 or flags == 0x02  # all but the first acknowledge
        streams[source, target] = streams.get((source, target), b"") + data

    down = streams[("192.0.2.2", 80), ("192.0.2.1", 49152)]
    assert down.startswith(b"HTTP/1.1 101 ")
    assert b"\x82\x04\x01hi\n" in down


def packets(file: bytes):
    """(source, target, flags, data) of each TCP packet; its checksums must be right."""
    at = 0
    while at < len(file):
        kind, size = struct.unpack_from("<II", file, at)
        assert struct.unpack_from("<I", file, at + size - 4) == (size,)
        if kind == 6:
            (length,) = struct.unpack_from("<I", file, at + 20)
            yield tcp(file[at + 28 : at + 28 + length])
        at += size


def tcp(packet: bytes):
    header, segment = packet[:20], packet[20:]
    pseudo = header[12:20] + struct.pack(">BBH", 0, 6, len(segment))
    assert ones_complement(header) == ones_complement(pseudo + segment) == 0xFFFF
    ports = struct.unpack_from(">HH", segment)
    addresses = (".".join(map(str, header[i : i + 4])) for i in (12, 16))
    ends = tuple(zip(addresses, ports, strict=True))
    return *ends, segment[13], segment[(segment[12] >> 4) * 4 :]


def ones_complement(data: bytes) -> int:
    total = sum(
        struct.unpack(f">{len(data + b'0') // 2}H", data + bytes(len(data) % 2))
    )
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_an_exported_trace_is_read_as_it_was():
    trace = exec_trace()

    again = read_lines(shown("jsonl").splitlines(keepends=True))

    assert again.events == numbered(trace.events).events
    assert again.sessions[0].title == trace.sessions[0].title
