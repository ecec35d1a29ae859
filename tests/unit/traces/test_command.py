"""`mini-kube trace` without a cluster: over recorded files, and what is wrong usage."""

from __future__ import annotations

import argparse
import json
import stat
from pathlib import Path

import pytest

from traces.command import configure, run
from traces.dashboard import command as dashboard

TARGET = "/api/v1/namespaces/d/pods/p/log?container=%0a%1b%5d0;PWN%07%c2%9b"
VECTORS = Path(__file__).parents[2] / "vectors" / "explain"


def no_cluster_flags(parser, default=None):
    parser.add_argument("--name", default=default)


def trace(*words):
    """The exit code of `mini-kube trace WORDS`, with no cluster there."""
    parser = argparse.ArgumentParser()
    configure(parser, no_cluster_flags)
    return run(parser.parse_args(words), None)


def recorded(name):
    return str(VECTORS / f"{name}.jsonl")


def listed(capsys, *words):
    assert trace("list", "-o", "json", *words) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_sessions_are_listed(capsys):
    assert trace("list", "--dir", recorded("exit-3")) == 0

    header, row = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["STARTED", "SESSION", "VERB", "TARGET"]
    assert "default/web web" in row
    assert "exit 3" in row
    assert "mini-kubectl/" in row


@pytest.mark.parametrize(
    ("name", "flags", "shown"),
    [
        ("exit-3", ["--verb", "exec"], True),
        ("exit-3", ["--verb", "attach"], False),
        ("exit-3", ["--pod", "we*"], True),
        ("exit-3", ["--hop", "kubelet-cri"], True),
        ("exit-3", ["--client", "mini-kubectl*"], True),
        ("exit-3", ["--channel", "stderr"], False),
        ("nothing-wrong", ["--length", ">5", "--channel", "stdout"], True),
        ("nothing-wrong", ["--length", ">100000"], False),
        ("exit-3", ["--status", "3"], True),
        ("exit-3", ["--status", "failed"], True),
        ("exit-3", ["--status", "ok"], False),
        ("exit-3", ["--filter", "fault=*"], False),
        ("status-missing", ["--fault", "status_missing*"], True),
        ("status-missing", ["--filter", "verb=exec and fault=*"], True),
        ("status-missing", ["--filter", "not fault=*"], False),
        ("exit-3", ["--pod", "web", "--filter", "status=0"], False),
    ],
)
def test_flags_and_expressions_choose(capsys, name, flags, shown):
    assert bool(listed(capsys, "--dir", recorded(name), *flags)) == shown


def test_flags_may_stand_before_the_verb(capsys):
    assert trace("--verb", "attach", "list", "--dir", recorded("exit-3")) == 0

    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_refused_stream_is_listed_though_it_has_no_id(capsys):
    (row,) = listed(capsys, "--dir", recorded("not-allowed"))

    assert (row["verb"], row["status"]) == ("exec", "403 Forbidden")


def test_a_picture_has_its_explanations_in_place(capsys):
    assert trace("show", "--dir", recorded("exit-3")) == 0
    with_reasons = capsys.readouterr().out.splitlines()
    assert trace("show", "--no-explanations", "--dir", recorded("exit-3")) == 0
    without = capsys.readouterr().out.splitlines()

    (place,) = [n for n, line in enumerate(with_reasons) if "↳" in line]
    assert "exited with 3" in with_reasons[place - 1]
    assert "exit code 3" in with_reasons[place]
    assert not [line for line in without if "↳" in line]


def test_reasons_can_be_had_alone(capsys):
    assert trace("explain", "last", "--dir", recorded("output-held")) == 0
    assert "output-held: The command has ended" in capsys.readouterr().out

    assert trace("explain", "--dir", recorded("nothing-wrong")) == 0
    assert "nothing in this session waited or failed" in capsys.readouterr().out


def test_a_file_is_written(tmp_path):
    made = tmp_path / "session.mmd"

    code = trace(
        "show", "--format", "mermaid", "-o", str(made), "--dir", recorded("exit-3")
    )

    assert code == 0
    assert made.read_text().startswith("sequenceDiagram")


def test_sessions_of_two_files_are_compared(capsys):
    code = trace("diff", recorded("exit-3") + "#last", recorded("over-spdy") + "#last")

    assert code == 1
    assert "websocket" in capsys.readouterr().out
    assert trace("diff", recorded("exit-3") + "#", recorded("exit-3") + "#") == 0


def test_without_a_terminal_a_file_is_a_plain_list(capsys):
    assert trace("--dir", recorded("exit-3")) == 0

    assert "exit 3" in capsys.readouterr().out


def test_the_dissector_is_printed(capsys):
    assert trace("lua") == 0
    assert "Proto(" in capsys.readouterr().out

    assert trace("lua", "--options") == 0
    assert "lua_script:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list"], "no cluster here: say --dir"),
        ([], "no cluster is running"),
        (["follow"], "no cluster is running"),
        (["list", "--dir", "/nowhere"], "no such folder or file"),
        (["show", "ffff", "--dir", recorded("exit-3")], "no session 'ffff'"),
        (
            ["list", "--filter", "pood=x", "--dir", recorded("exit-3")],
            "no field 'pood'",
        ),
        (["list", "--length", ">big", "--dir", recorded("exit-3")], "is no number"),
        (
            [
                "replay",
                "--as",
                "client",
                "--address",
                "127.0.0.1:1",
                "--dir",
                recorded("exit-3"),
            ],
            "--bytes all",
        ),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(capsys, words, said):
    assert trace(*words) == 1

    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["show", "--format", "gif"], ["on", "--bytes", "many"], ["nonsense"]]
)
def test_wrong_usage_is_refused(words):
    with pytest.raises(SystemExit) as ended:
        trace(*words)

    assert ended.value.code == 2


def test_without_textual_there_is_a_hint_and_the_plain_list(capsys, monkeypatch):
    for each in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(f"sys.{each}.isatty", lambda: True, raising=False)
    monkeypatch.setattr("traces.command.find_spec", lambda name: None)

    assert trace("--dir", recorded("exit-3")) == 0

    told = capsys.readouterr()
    assert "pip install 'mini-kube[tui]'" in told.err
    assert "exit 3" in told.out


def test_with_its_errors_elsewhere_it_is_the_plain_list(capsys, monkeypatch):
    for each in ("stdin", "stdout"):
        monkeypatch.setattr(f"sys.{each}.isatty", lambda: True, raising=False)

    assert trace("--dir", recorded("exit-3")) == 0
    assert "exit 3" in capsys.readouterr().out


def hostile(tmp_path):
    """A session whose container is called like a terminal's commands, and its error, too."""
    events = [
        {"type": "request", "info": {"method": "GET", "target": TARGET, "headers": []}},
        {
            "type": "response",
            "info": {"status": 400, "reason": "Bad\x9b2J" * 99, "headers": []},
        },
    ]
    head = {"header": 1, "process": "apiserver", "pid": 1, "wall": 1e9, "mono": 1.0}
    whole = [
        {
            "ts": 2.0,
            "hop": "kubectl-apiserver",
            "conn": "apiserver-1-1",
            "dir": "up" if event["type"] == "request" else "down",
            "layer": "http1",
            "stream": 1,
            "len": 0,
            "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
            **event,
        }
        for event in events
    ]
    path = tmp_path / "hostile.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in (head, *whole)))
    return str(path)


def documents(text):
    """Those of JSON lines, or the only one."""
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.split("\n") if line]


def is_harmless(text):
    return all(each.isprintable() or each == "\n" for each in text)


def test_an_error_that_quotes_a_stranger_does_nothing_to_the_terminal(capsys, tmp_path):
    assert trace("show", "--format", "asciicast", "--dir", hostile(tmp_path)) == 1

    said = capsys.readouterr().err
    assert "\\e]0;PWN" in said
    assert said.count("\n") == 1
    assert is_harmless(said)


def test_a_row_keeps_to_its_line_however_long_an_error_is(capsys, tmp_path):
    assert trace("list", "--dir", hostile(tmp_path)) == 0

    _header, row = capsys.readouterr().out.splitlines()
    assert is_harmless(row)
    assert len(row) < 250


@pytest.mark.parametrize("name", ["jsonl", "otlp", "har"])
def test_json_on_a_terminal_does_nothing_to_it_and_is_the_same(
    capsys, monkeypatch, tmp_path, name
):
    words = ("show", "--format", name, "--dir", hostile(tmp_path))
    assert trace(*words) == 0
    plain = capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)

    assert trace(*words) == 0

    shown = capsys.readouterr().out
    assert is_harmless(shown)
    assert documents(shown) == documents(plain)


def test_what_is_written_is_for_its_owner_only(tmp_path):
    words = ("show", "--dir", recorded("exit-3"), "--format", "har")

    assert trace(*words, "-o", str(tmp_path / "new.har")) == 0

    assert stat.S_IMODE((tmp_path / "new.har").stat().st_mode) == 0o600


@pytest.mark.parametrize("port", ["70000", "-1", "http"])
def test_the_dashboard_refuses_what_is_no_port(capsys, port):
    parser = argparse.ArgumentParser()
    dashboard.configure(parser)

    with pytest.raises(SystemExit):
        parser.parse_args(["--port", port])
    assert "is no port" in capsys.readouterr().err
