"""Every real kubectl, unmodified, with our kubeconfig."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess

import pytest

from tests.support.terminal import Terminal

pytestmark = pytest.mark.conformance


@pytest.fixture
def run(cluster, real_kubectl, tmp_path):
    """Runs this kubectl, with a cache of its own so that no other version's is read."""

    def run(*arguments, **options):
        env = {"HOME": str(tmp_path)}
        return cluster.run(real_kubectl.path, *arguments, env=env, **options)

    return run


def name_of(real_kubectl, suffix=""):
    return f"k{real_kubectl.version.replace('.', '-')}{suffix}"


def test_version(run, real_kubectl):
    told = json.loads(run("version", "-o", "json", check=True).stdout)

    assert told["clientVersion"]["gitVersion"].startswith(f"v{real_kubectl.version}.")
    assert told["serverVersion"]["major"] == "1"


def test_api_resources(run):
    lines = run("api-resources", check=True).stdout.splitlines()

    assert any(line.split()[:3] == ["pods", "po", "v1"] for line in lines)
    assert any(line.split()[0] == "leases" for line in lines)


def test_nodes_and_pods_as_tables(run, shell):
    nodes = run("get", "nodes", "-o", "wide", check=True).stdout.splitlines()
    pods = run("get", "pods", "-o", "wide", check=True).stdout

    assert nodes[0].split()[:5] == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert nodes[1].split()[1] == "Ready"
    assert shell in pods


def test_a_pods_life(run, cluster, real_kubectl):
    name = name_of(real_kubectl)

    created = run("run", name, "--image=nginx", check=True).stdout
    cluster.await_ready(name)
    described = run("describe", "pod", name, check=True).stdout
    logged = run("logs", name, check=True).stdout
    deleted = run("delete", "pod", name, check=True).stdout

    assert created == f"pod/{name} created\n"
    assert "Successfully assigned default/" in described
    assert "listening on" in logged
    assert deleted.startswith(f'pod "{name}" deleted')
    assert run("get", "pod", name).stderr == (
        f'Error from server (NotFound): pods "{name}" not found\n'
    )


def test_a_watch_sees_a_pod_come(run, cluster, real_kubectl, tmp_path):
    name = name_of(real_kubectl, "-watched")
    env = {**cluster.env, "HOME": str(tmp_path)}
    command = [str(real_kubectl.path), "get", "pods", "-w"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as watch:
        assert watch.stdout.readline().startswith("NAME")

        cluster.pod(name)
        states = []
        for line in watch.stdout:
            columns = line.split()
            if columns[0] == name:
                states.append(columns[2])
                if columns[1] == "1/1":
                    break
        watch.send_signal(signal.SIGINT)

    assert states[0] == "Pending"
    assert states[-1] == "Running"
    run("delete", "pod", name, "--now", check=True)


def test_followed_logs_end_with_the_container(run, cluster, real_kubectl):
    name = name_of(real_kubectl, "-logging")
    script = "for i in 1 2 3; do echo line $i; sleep 0.1; done"
    cluster.pod(name, "sh", "-c", f"{script}; sleep 0.5", restartPolicy="Never")

    followed = run("logs", "-f", name, check=True).stdout

    assert followed == "line 1\nline 2\nline 3\n"
    run("delete", "pod", name, "--now", check=True)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["true"], 0),
        (["false"], 1),
        (["sh", "-c", "exit 42"], 42),
        (["sh", "-c", "kill -9 $$"], 137),
        (["no-such-command"], 1),
    ],
    ids=["0", "1", "42", "137", "missing"],
)
def test_exec_ends_with_the_commands_code(run, shell, command, code):
    assert run("exec", shell, "--", *command).returncode == code


def test_exec_keeps_the_outputs_apart(run, shell):
    done = run("exec", shell, "--", "sh", "-c", "echo out; echo err >&2")

    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_exec_passes_binary_input_on(run, shell):
    data = os.urandom(10 * 1024 * 1024)

    done = run("exec", "-i", shell, "--", "sha256sum", stdin=data, check=True)

    assert done.stdout.split()[0] == hashlib.sha256(data).hexdigest()


def test_exec_with_a_terminal(cluster, real_kubectl, shell, tmp_path):
    env = {**cluster.env, "HOME": str(tmp_path)}
    command = [str(real_kubectl.path), "exec", "-it", shell, "--", "bash", "--norc"]

    with Terminal(command, env=env, columns=100, lines=30) as terminal:
        terminal.send_line("stty size")
        terminal.expect("30 100\r\n")
        terminal.resize(90, 20)
        terminal.send_line("stty size")
        terminal.expect("20 90\r\n")
        terminal.send_line("cat")
        terminal.send_line("it runs")
        terminal.expect("it runs\r\nit runs\r\n")
        terminal.control("c")
        terminal.send_line("echo code=$?")
        terminal.expect("code=130\r\n")
        terminal.control("d")
        assert terminal.wait() == 0
