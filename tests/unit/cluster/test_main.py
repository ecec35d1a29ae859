"""The command line of mini-kube, up to where processes begin."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from cluster.main import _cluster_flags, _parser, _wanted, main
from cluster.processes import identify
from cluster.records import ServiceRecord, write_record
from cluster.report import Report
from cluster.services import API_SERVER
from cluster.settings import (
    ClusterSettings,
    SettingsError,
    read_settings,
    write_settings,
)
from cluster.up import _settle_ports, _with_trace_folder


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")


def wanted(*arguments):
    return _wanted(_parser().parse_args(["up", *arguments]))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sideways"],
        ["up", "--nodes", "0"],
        ["up", "--nodes", "many"],
        ["up", "--api-port", "70000"],
        ["up", "--bind-address", "here"],
        ["up", "--name", "Not_A_Name"],
        ["up", "--name", "x" * 25],
        ["trace", "maybe"],
    ],
)
def test_wrong_usage_is_told_with_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as raised:
        main(arguments)

    assert raised.value.code == 2
    assert "usage: mini-kube" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["status", "kubeconfig"])
def test_without_a_cluster_there_is_nothing_to_show(command, capsys):
    assert main([command]) == 1
    assert "there is no cluster" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["down"], ["delete"]])
def test_ending_a_cluster_that_is_not_there_is_fine(command):
    assert main(command) == 0


@pytest.mark.parametrize("command", [["down"], ["delete"]])
def test_a_cluster_with_damaged_settings_can_be_ended(command, capsys):
    layout, _ = wanted()
    layout.state.mkdir(parents=True)
    layout.settings.write_text('{"name": ')

    assert main(command) == 0
    assert "cluster.json" in capsys.readouterr().err


def test_flags_are_kept_until_another_is_given():
    layout, settings = wanted("--nodes", "2", "--trace", "here")
    layout.state.mkdir(parents=True)
    write_settings(layout.settings, settings)

    _, again = wanted()
    _, other = wanted("--nodes", "3", "--trace", "")

    assert again.nodes == 2
    assert again.trace_dir == settings.trace_dir
    assert (other.nodes, other.trace_dir) == (3, "")


def test_a_state_folder_that_cannot_be_is_told_in_words(tmp_path, capsys):
    file = tmp_path / "file"
    file.touch()

    assert main(["up", "--state-dir", str(file / "state")]) == 1
    assert capsys.readouterr().err == (
        f"mini-kube: {file}/state/cluster.json: Not a directory\n"
    )


def test_the_work_goes_on_when_nobody_reads_what_is_told():
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as out:
        report = Report(out)

        report.say("one")
        report.say("two")


def test_a_person_is_told_how_to_name_the_cluster_again():
    options = _parser().parse_args(["run", "--name", "other", "--state-dir", "a b"])

    assert _cluster_flags(options) == " --name other --state-dir 'a b'"
    assert _cluster_flags(_parser().parse_args(["run"])) == ""


def test_an_empty_value_takes_a_flag_back():
    flags = {
        "--nodes": "2",
        "--bind-address": "::1",
        "--api-port": "6443",
        "--kubelet-port": "10250",
        "--emulate-version": "1.30",
        "--image-policy": "strict",
        "--kubelet-arg": "v=4",
    }
    layout, settings = wanted(*(f"{key}={value}" for key, value in flags.items()))
    layout.state.mkdir(parents=True)
    write_settings(layout.settings, settings)

    _, again = wanted(*(f"{key}=" for key in flags))

    fresh = wanted("--name", "other")[1]
    assert again == replace(
        fresh, name="default", sockets=again.sockets, ports=settings.ports
    )


def test_an_address_of_another_machine_is_refused_before_anything_ends(capsys):
    assert main(["up", "--bind-address", "192.0.2.1"]) == 1
    assert "192.0.2.1 is not an address of this machine" in capsys.readouterr().err


def test_a_given_port_of_somebody_else_is_refused_while_ours_serves(monkeypatch):
    layout, settings = wanted("--api-port", "6443")
    layout.make()
    serving = replace(settings, ports={API_SERVER: 6444})
    process = identify(os.getpid())
    record = ServiceRecord(API_SERVER, process, (), "https://127.0.0.1:6444", 0.0)
    write_record(layout, record)
    monkeypatch.setattr("cluster.up.is_free", lambda _, port: port in (0, 6445))
    monkeypatch.setattr("cluster.up.choose_port", lambda *_: 6445)

    kept = _settle_ports(layout, replace(serving, fixed_ports=(API_SERVER,)))

    assert kept.ports[API_SERVER] == 6444
    with pytest.raises(SettingsError, match=r"port 6443 on 127\.0\.0\.1 is taken"):
        _settle_ports(layout, settings)


def test_a_relative_folder_is_meant_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    _, settings = wanted("--trace", "here")

    assert settings.trace_dir == str(tmp_path / "here")


def test_a_trace_that_cannot_be_written_changes_nothing(tmp_path, capsys):
    layout, settings = wanted()
    layout.state.mkdir(parents=True)
    write_settings(layout.settings, settings)
    (tmp_path / "file").touch()

    assert main(["trace", "on", str(tmp_path / "file")]) == 1

    said = f"no trace can be written to {tmp_path / 'file'}: File exists"
    assert said in capsys.readouterr().err
    assert read_settings(layout.settings) == settings


def test_up_does_not_begin_with_a_trace_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").touch()

    assert main(["up", "--trace", str(tmp_path / "file")]) == 1
    assert "no trace can be written" in capsys.readouterr().err


def test_a_folder_of_traces_that_was_lost_since_is_no_reason_not_to_run(tmp_path):
    settings = replace(wanted()[1], trace_dir=str(tmp_path / "file"))
    (tmp_path / "file").touch()
    told = io.StringIO()

    without = _with_trace_folder(settings, settings, Report(told))

    assert without == replace(settings, trace_dir="")
    assert "File exists: going on without" in told.getvalue()


def test_given_ports_are_fixed_and_count_on_by_node():
    _, settings = wanted("--nodes", "2", "--api-port", "6443", "--kubelet-port", "7000")

    assert settings.ports == {
        "apiserver": 6443,
        "kubelet-mini-kube": 7000,
        "kubelet-mini-kube-2": 7001,
    }
    assert set(settings.fixed_ports) == set(settings.ports)


def test_sockets_of_a_running_cluster_are_found_where_they_are(tmp_path):
    layout, _ = wanted()
    layout.state.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    known = ClusterSettings(name="default", sockets=str(elsewhere))
    write_settings(layout.settings, known)

    assert wanted()[0].sockets == elsewhere
    elsewhere.rmdir()
    assert wanted()[0].sockets == layout.sockets


def test_up_loads_nothing_heavy():
    program = (
        "import sys, cluster.main, cluster.up, cluster.api, cluster.readiness;"
        "heavy = {'asyncio', 'aiohttp', 'grpc', 'cryptography', 'yaml'};"
        "sys.exit(str(sorted(heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("unix:///run/x.sock", "unix:///run/x.sock"),
        ("/run/x.sock", "unix:///run/x.sock"),
    ],
)
def test_a_socket_of_a_runtime_may_be_a_bare_path(given, kept):
    options = _parser().parse_args(["up", f"--cri-socket={given}"])

    assert options.cri_socket == kept


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("--cri-socket=tcp://127.0.0.1:1", "only a Unix socket"),
        ("--emulate-version=1.2", "Kubernetes 1.2 is not emulated"),
        ("--feature-gates=No=true", "unrecognized feature gate: No"),
    ],
)
def test_what_no_service_would_take_is_refused_before_it_is_kept(flag, text, capsys):
    with pytest.raises(SystemExit):
        _parser().parse_args(["up", flag])

    assert text in capsys.readouterr().err
