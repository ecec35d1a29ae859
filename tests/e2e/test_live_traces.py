"""Live sessions of a running cluster, and `mini-kubectl --explain` beside them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.support.cluster import BIN, running_cluster

POD = "live"


@pytest.fixture(scope="module")
def cluster():
    with running_cluster("live") as cluster:
        cluster.pod(POD)
        yield cluster


@contextmanager
def running(cluster, program, *arguments, **options):
    """A program that goes on; killed at the end."""
    process = subprocess.Popen(
        [str(BIN / program), *arguments],
        env=cluster.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    try:
        yield process
    finally:
        process.kill()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        process.wait()


def trace(cluster, *arguments):
    where = ["--name", cluster.name, "--state-dir", str(cluster.state)]
    return running(cluster, "mini-kube", "trace", *where, *arguments)


def line_with(stream, *words):
    """The next line that has all of these words."""
    for line in stream:
        if all(word in line for word in words):
            return line
    raise AssertionError(f"no line with {words}")


def joined(live):
    """The header is printed when all services are heard."""
    line_with(live.stdout, "STARTED")


def test_a_line_tells_of_each_session(cluster):
    with trace(cluster, "--plain", "--verb", "exec") as live:
        joined(live)
        cluster.mini_kubectl("exec", POD, "--", "sh", "-c", "exit 5")

        line = line_with(live.stdout, "exit 5")

    assert f"default/{POD} {POD}" in line
    assert "mini-kubectl/" in line


def test_a_session_that_goes_on_is_told_before_it_ends(cluster):
    with trace(cluster, "--plain") as live:
        joined(live)
        command = ["exec", "-i", POD, "--", "sh", "-c", "cat; exit 6"]
        with running(cluster, "mini-kubectl", *command, stdin=subprocess.PIPE) as child:
            line_with(live.stdout, "exec", "running")
            child.stdin.close()
            child.stdin = None
            line_with(live.stdout, "exec", "exit 6")


def test_the_frames_of_the_next_session_are_told_to_its_end(cluster):
    with trace(cluster, "follow", "--channel", "stdout") as live:
        line_with(live.stderr, "waiting for a session")
        while live.poll() is None:
            cluster.mini_kubectl("exec", POD, "--", "echo", "to be followed")

        frames = live.stdout.read().splitlines()

    assert live.returncode == 0
    assert [line for line in frames if "process → runtime" in line]
    assert [line for line in frames if "apiserver → client" in line]


def test_a_service_that_restarts_is_heard_again(cluster):
    with trace(cluster, "--plain", "--verb", "exec") as live:
        joined(live)
        (pid,) = [pid for name, pid in cluster.pids().items() if "cri" in name]
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        line_with(live.stderr, "is gone; waiting for it to come back")
        cluster.mini_kube("up", check=True)

        cluster.mini_kubectl("exec", POD, "--", "sh", "-c", "exit 7")
        assert "exit 7" in line_with(live.stdout, "exit 7")


def test_how_much_is_kept_of_payloads_is_kept_over_a_restart(cluster):
    cluster.mini_kube("trace", "on", "--bytes", "all", check=True)
    cluster.mini_kube("down", check=True)
    cluster.mini_kube("up", check=True)
    cluster.await_ready(POD)
    cluster.mini_kubectl(
        "exec", POD, "--", "sh", "-c", "head -c 5000 /dev/zero", check=True
    )

    done = cluster.mini_kube("trace", "show", "last", "--format", "jsonl", check=True)
    cluster.mini_kube("trace", "off", check=True)

    events = [json.loads(line) for line in done.stdout.splitlines()]
    sizes = [
        len(e["data"]) * 3 // 4
        for e in events
        if e.get("layer") == "process" and e["type"] == "stdout"
    ]
    assert sum(sizes) >= 5000
    settings = json.loads((cluster.state / "cluster.json").read_bytes())
    assert (settings["trace_dir"], settings["trace_bytes"]) == ("", "")


def test_a_trace_goes_to_the_state_folder_unless_told_otherwise(cluster):
    done = cluster.mini_kube("trace", "on", check=True)
    cluster.mini_kubectl("exec", POD, "--", "sh", "-c", "exit 9")
    listed = cluster.mini_kube("trace", "list", "--status", "9", check=True)
    cluster.mini_kube("trace", "off", check=True)

    assert done.stdout == f"tracing to {cluster.state / 'trace'}\n"
    assert len(listed.stdout.splitlines()) == 2


# --explain


def explained(cluster, *arguments, **options):
    return cluster.mini_kubectl(*arguments, **options).stderr


def test_a_failure_is_explained_before_the_commands_own_words(cluster):
    told = explained(cluster, "exec", "--explain", POD, "--", "sh", "-c", "exit 3")

    assert told.splitlines() == [
        "failure: The command itself failed: exit code 3.",
        "command terminated with exit code 3",
    ]


def test_a_success_has_nothing_to_explain(cluster):
    done = cluster.mini_kubectl("exec", "--explain", POD, "--", "echo", "hi")

    assert (done.stdout, done.stderr, done.returncode) == ("hi\n", "", 0)


def test_who_holds_the_output_is_named_while_it_is_waited_for(cluster):
    script = "sleep 1000 & echo $!"
    command = ["exec", "--explain", POD, "--", "sh", "-c", script]
    with running(cluster, "mini-kubectl", *command) as child:
        pid = int(child.stdout.readline())
        told = line_with(child.stderr, "wait:")
        os.kill(pid, signal.SIGKILL)
        assert child.wait() == 0

    assert f"process {pid} (sleep 1000) still holds its output" in told


def test_an_open_stdin_is_told_of_while_it_is_waited_for(cluster):
    command = ["exec", "-i", "--explain", POD, "--", "cat"]
    with running(cluster, "mini-kubectl", *command, stdin=subprocess.PIPE) as child:
        told = line_with(child.stderr, "wait:")
        child.stdin.close()
        child.stdin = None
        assert child.wait() == 0

    assert "the client has not said that its input ends" in told


def test_attach_to_a_container_without_stdin(cluster):
    command = ["attach", "-i", "--explain", POD]
    with running(cluster, "mini-kubectl", *command, stdin=subprocess.PIPE) as child:
        told = line_with(child.stderr, "stdin: false")

    assert told.startswith("wait:")


def test_a_port_without_listener(cluster):
    import socket

    command = ["port-forward", "--explain", POD, ":99"]
    with running(cluster, "mini-kubectl", *command) as child:
        line = child.stdout.readline()
        port = int(line.partition(" -> ")[0].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as one:
            one.recv(1)
        child.send_signal(signal.SIGINT)
        told = child.stderr.read()

    assert "In the pod nobody listens on port 99" in told


def test_what_a_client_alone_sees_is_explained_too(cluster, tmp_path):
    """Somebody else's cluster: the kubeconfig names no admin sockets."""
    config = json.loads(cluster.kubeconfig.read_bytes())
    for one in config["clusters"]:
        one["cluster"].pop("extensions")
    foreign = tmp_path / "config"
    foreign.write_text(json.dumps(config))
    command = ["--kubeconfig", str(foreign), "exec", "--explain"]

    refused = explained(cluster, *command, "nobody", "--", "true")
    with running(
        cluster, "mini-kubectl", *command, POD, "--", "sleep", "1000"
    ) as child:
        quiet = line_with(child.stderr, "wait:")

    assert 'pods "nobody" not found' in refused.splitlines()[0]
    assert "cannot be seen from here" in quiet


def test_explain_and_trace_do_not_go_together(cluster):
    told = explained(cluster, "exec", "--explain", "--trace", POD, "--", "true")

    assert "cannot be used together" in told


def test_it_costs_nothing_that_is_not_asked_for(cluster):
    """The modules of `--explain` are loaded by it alone."""
    code = (
        "import sys\n"
        "from kubectl_cli.main import run\n"
        f"code = run(['exec', '{POD}', '--', 'true'])\n"
        "print([m for m in sys.modules if m.partition('.')[0] in ('traces', 'asyncio')])"
    )
    done = cluster.run(sys.executable, "-c", code)

    assert done.stdout == "[]\n"
