"""Trace files, also those that a crash or somebody's editor has been at."""

from __future__ import annotations

import json

import pytest

from traces.reader import TraceError, read_folder, read_lines

SESSION = "0af7651916cd43dd8448eb211c80319c"


def header(process: str, wall: float = 1000.0, mono: float = 10.0) -> str:
    fields = {"header": 1, "process": process, "pid": 7, "wall": wall, "mono": mono}
    return json.dumps(fields)


def line(ts_: float, type_: str = "open", **fields) -> str:
    event = {
        "ts": ts_,
        "hop": "kubectl-apiserver",
        "conn": "apiserver-7-1",
        "dir": "",
        "layer": "conn",
        "type": type_,
        "stream": None,
        "len": 0,
        "info": {},
        "trace": None,
        "fault": None,
    }
    return json.dumps(event | fields)


def write(folder, **files: str):
    for name, text in files.items():
        (folder / f"{name}.jsonl").write_text(text)
    return folder


def test_events_of_several_processes_are_merged_by_time(tmp_path):
    write(
        tmp_path,
        a="\n".join([header("apiserver"), line(1.0), line(3.0)]) + "\n",
        # its wall clock was set by half a second between the two starts
        b="\n".join([header("kubelet/n", wall=1000.5), line(2.0)]) + "\n",
    )

    trace = read_folder(tmp_path)

    assert [event.ts for event in trace.events] == [1.0, 2.0, 3.0]
    assert [event.seq for event in trace.events] == [0, 1, 2]
    assert [event.process for event in trace.events][1] == "kubelet/n"


def test_a_second_run_in_the_same_file_has_its_own_clock(tmp_path):
    text = [header("apiserver"), line(9.0), header("apiserver", 5000.0, 0.5), line(1.0)]
    write(tmp_path, a="\n".join(text) + "\n")

    trace = read_folder(tmp_path)

    assert [event.wall for event in trace.events] == [999.0, 5000.5]


def test_a_half_written_last_line_is_passed_over(tmp_path):
    write(tmp_path, a=header("apiserver") + "\n" + line(1.0) + "\n" + line(2.0)[:40])

    trace = read_folder(tmp_path)

    assert len(trace.events) == 1
    assert trace.problems == []


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ("[" * 100_000, "not JSON"),
        (line(1.0, dir="left"), "dir"),
        (line(1.0, ts="now"), "ts"),
        (line(1.0, ts=1e300), "ts"),
        (line(1.0).replace("1.0", "NaN"), "not JSON"),
        (line(1.0, len=1 << 70), "len"),
        (line(1.0, info=[1]), "info"),
        (line(1.0, data="***"), "data"),
        (line(1.0, conn=None), "conn"),
        ("\x00\x00\x00", "not JSON"),
    ],
    ids=range(12),
)
def test_a_line_that_is_no_event_is_noted_with_its_place(tmp_path, bad, why):
    write(tmp_path, a="\n".join([header("apiserver"), bad, line(2.0)]) + "\n")

    trace = read_folder(tmp_path)

    assert len(trace.events) == 1
    assert trace.problems[0].startswith(f"a.jsonl:2: {why}")


def test_what_a_full_disk_has_lost_is_told(tmp_path):
    write(tmp_path, a="\n".join([header("apiserver"), '{"lost":7}', line(2.0)]) + "\n")

    trace = read_folder(tmp_path)

    assert len(trace.events) == 1
    assert trace.problems == ["a.jsonl:2: 7 events were lost"]


def test_half_a_surrogate_pair_can_be_written_again(tmp_path):
    text = line(1.0, type_="x\ud800y", info={"a\udfff": ["\ud800"]})
    write(tmp_path, a=header("apiserver") + "\n" + text + "\n")

    event = read_folder(tmp_path).events[0]

    assert event.type.encode() == "x\ufffdy".encode()
    json.dumps(event.info, ensure_ascii=False).encode()


@pytest.mark.parametrize("content", [None, "", "hello\n", "\x7fELF\x00\n"])
def test_what_is_no_trace_is_refused_in_words(tmp_path, content):
    if content is not None:
        write(tmp_path, a=content)

    with pytest.raises(TraceError, match="trace"):
        read_folder(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(TraceError, match="nowhere"):
        read_folder(tmp_path / "nowhere")


def test_an_exported_file_keeps_process_and_time():
    exported = line(1.0, process="kubelet/n", wall=77.5, seq=400).encode()

    trace = read_lines([exported])

    assert trace.events[0].process == "kubelet/n"
    assert trace.events[0].wall == 77.5


def test_a_session_is_found_by_the_beginning_of_its_id():
    lines = [line(1.0, trace=SESSION), line(2.0, trace="0af8" + SESSION[4:])]
    trace = read_lines(text.encode() for text in lines)

    assert trace.session("0af7").id == SESSION
    with pytest.raises(TraceError, match="may be"):
        trace.session("0af")
    with pytest.raises(TraceError, match="no session"):
        trace.session("beef")
