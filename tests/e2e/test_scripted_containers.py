"""Containers without commands: each kind of session is answered by the script."""

from __future__ import annotations

import socket
import subprocess
import urllib.error
import urllib.request

import pytest

from cluster.services import executable
from mini_kube import Cluster, ExecError
from tests.support.answers import shout


@pytest.fixture(scope="module")
def scripted():
    """A cluster for scripted pods."""
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def db(scripted):
    """A pod whose commands are answers."""
    scripted.run_pod(
        "db",
        script={
            "exec": [
                {"argv": "psql --version", "stdout": "psql (PostgreSQL) 16.3\n"},
                {"argv": "psql .*", "stderr": "psql: no such table\n", "exit_code": 3},
                {"argv": "pg_isready", "times": 1, "exit_code": 2},
                {"argv": "pg_isready", "stdout": "accepting connections\n"},
                {"argv": "killed", "signal": "TERM"},
                {"argv": "tr.*", "echo": True},
                {"argv": "real .*", "run": True},
                {"argv": "shout .*", "call": shout},
                {
                    "argv": "talk",
                    "steps": [{"stdout": "one\n"}, {"stderr": "two\n", "delay": 0.01}],
                    "stdout": {"base64": "/wA="},
                },
            ],
        },
    )
    return scripted.pod("db")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["psql", "--version"], (b"psql (PostgreSQL) 16.3\n", b"", 0)),
        (["psql", "-c", "select 1"], (b"", b"psql: no such table\n", 3)),
        (["killed"], (b"", b"", 143)),
        (["talk"], (b"one\n\xff\x00", b"two\n", 0)),
    ],
    ids=["output", "failure", "signal", "steps"],
)
def test_a_command_gets_its_answer(db, command, expected):
    result = db.exec(*command)

    assert (result.stdout, result.stderr, result.exit_code) == expected


def test_a_function_of_python_is_called(db):
    result = db.exec("shout", "it", stdin=b"aloud")

    assert (result.stdout, result.exit_code) == (b"ALOUD", 2)


def test_stdin_comes_back_from_an_echo(db):
    assert db.exec("tr", "a-z", "A-Z", stdin=b"x" * 300_000).stdout == b"x" * 300_000


def test_an_answer_that_is_worn_out_makes_way_for_the_next(db):
    codes = [db.exec("pg_isready").exit_code for _ in range(3)]

    assert codes == [2, 0, 0]


def test_what_has_no_answer_is_not_in_the_path(db):
    with pytest.raises(ExecError, match=r'exec: "ls": executable file not found in \$'):
        db.exec("ls")


def test_a_terminal_is_a_real_one(db):
    assert db.exec("psql", "--version", tty=True).stdout.endswith(b"16.3\r\n")


def test_real_kubectl_sees_answers_as_commands(scripted, db, kubectl):
    done = subprocess.run(
        [kubectl, "exec", "db", "--", "psql", "-c", "x"],
        env=scripted.env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 3
    assert done.stderr == ("psql: no such table\ncommand terminated with exit code 3\n")


@pytest.fixture(scope="module")
def files(scripted):
    """A pod that has files and nothing else."""
    scripted.run_pod("files", files={"/etc/motd": "hello\n", "/srv/raw": b"\x00\xff"})
    return scripted.pod("files")


def test_files_are_read_by_their_names_in_the_container(files):
    assert files.exec("cat", "/etc/motd", "/srv/raw").stdout == b"hello\n\x00\xff"
    assert files.exec("ls", "/srv", "/etc/motd").text == "/etc/motd\n\n/srv:\nraw\n"
    # what the kubelet mounts is there, too
    assert b"127.0.0.1" in files.exec("cat", "/etc/hosts").stdout
    assert files.exec("test", "-d", "/etc").exit_code == 0
    assert files.exec("test", "-d", "/etc/motd").exit_code == 1


@pytest.mark.parametrize("client", ["mini-kubectl", "kubectl"])
def test_files_are_copied_out_and_in(scripted, files, tmp_path, client, kubectl):
    program = str(kubectl) if client == "kubectl" else client
    source, back = tmp_path / "new", tmp_path / "back"
    source.write_bytes(bytes(range(256)) * 5000)
    runs = (
        ["cp", str(source), f"files:/srv/{client}"],
        ["cp", f"files:/srv/{client}", str(back)],
        ["cp", "files:/etc", str(tmp_path / "etc")],
    )

    for arguments in runs:
        done = run(scripted, program, *arguments)
        assert done.returncode == 0, done.stderr

    assert back.read_bytes() == source.read_bytes()
    assert (tmp_path / "etc" / "motd").read_text() == "hello\n"


def test_no_link_leads_out_of_the_container(scripted, files, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "out").symlink_to("/../../../../../../../../etc/passwd")
    (tmp_path / "links" / "motd").symlink_to("/etc/motd")
    tar = subprocess.run(
        ["tar", "cf", "-", "-C", str(tmp_path), "links"],
        capture_output=True,
        check=True,
    )

    assert files.exec("tar", "xf", "-", "-C", "/srv", stdin=tar.stdout).exit_code == 0

    assert files.exec("cat", "/srv/links/motd").text == "hello\n"
    assert files.exec("cat", "/srv/links/out").exit_code == 1


@pytest.fixture(scope="module")
def server(scripted):
    """A pod that speaks at its ports, and says so in its log."""
    routes = [
        {"path": "/healthz", "body": "ok"},
        {"path": "/items/[0-9]+", "status": 418, "headers": {"X-Test": "yes"}},
    ]
    scripted.run_pod(
        "server",
        script={
            "main": {
                "steps": [{"stdout": "starting\n"}, {"stderr": "a warning\n"}],
                "echo": True,
            },
            "exec": [{"argv": "ready", "exit_code": 0}],
            "ports": {
                "8080": {"http": routes},
                "7": {"echo": True},
                "25": {
                    "reply": "220 hello\r\n",
                    "exchange": [{"expect": "HELO .*\r\n", "reply": "250 ok\r\n"}],
                },
            },
        },
        container={
            "readinessProbe": {"exec": {"command": ["ready"]}, "periodSeconds": 1},
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
            "stdin": True,
        },
    )
    return scripted.pod("server")


def test_the_main_process_says_what_it_is_to_say(server):
    assert server.logs() == "starting\na warning\n"


def test_ports_answer_through_port_forward(server):
    with server.port_forward(8080) as local:
        base = f"http://127.0.0.1:{local.port}"
        with urllib.request.urlopen(f"{base}/healthz") as answer:
            assert answer.read() == b"ok"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{base}/items/7")
        assert (refused.value.code, refused.value.headers["X-Test"]) == (418, "yes")
        refused.value.close()


def test_a_port_may_hold_a_dialogue(server):
    with (
        server.port_forward(25) as local,
        socket.create_connection(local.address) as connection,
    ):
        lines = connection.makefile("rb")
        assert lines.readline() == b"220 hello\r\n"
        connection.sendall(b"HELO there\r\n")
        assert lines.read() == b"250 ok\r\n"
        lines.close()


def test_who_attaches_speaks_with_the_main_process(scripted, server):
    command = [executable("mini-kubectl"), "attach", "-qi", "server"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, env=scripted.env, **pipes) as process:
        process.stdin.write(b"say this\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"say this\n"
        process.terminate()


def test_a_script_that_is_none_is_told_by_the_pod(scripted):
    scripted.run_pod("wrong", script={"exec": [{"argv": "("}]}, ready=False)

    pod = scripted.api.wait(
        "/api/v1/namespaces/default/pods/wrong",
        lambda pod: "no regular expression" in str(pod),
        timeout=30,
    )
    state = pod["status"]["containerStatuses"][0]["state"]["waiting"]
    assert state["reason"] == "CreateContainerError"
    assert "exec[0].argv" in state["message"]


def run(cluster, program, *arguments, stdin=""):
    """Any client of the cluster."""
    return subprocess.run(
        [executable(program), *arguments],
        env=cluster.env,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
