"""mini-kubectl exec and the real kubectl exec: the same text, streams and exit codes."""

from __future__ import annotations

import hashlib
import os
import re

import pytest

from tests.support.kubectls import kubectls
from tests.support.terminal import Terminal

COMMANDS = {
    "true": ["true"],
    "false": ["false"],
    "code 42": ["sh", "-c", "exit 42"],
    "killed": ["sh", "-c", "kill -KILL $$"],
    "both outputs": ["sh", "-c", "echo out; echo err >&2"],
    "arguments as they are": ["echo", "a  b", "$HOME", "*", "'", '"', "--help"],
    "no such command": ["no-such-command"],
    "not executable": ["/etc/passwd"],
    "much output": ["sh", "-c", "seq 1 100000"],
    "no newline at the end": ["printf", "abc"],
    "unicode": ["printf", "h\u00e9llo \u2603"],
}


@pytest.fixture(scope="session")
def clients(cluster):
    """Both, as the first part of a command line; of kubectl the version ours is like."""
    found = kubectls("1.36")
    if not found:
        pytest.skip("kubectl 1.36 cannot be had on this machine")
    return {"mini-kubectl": "mini-kubectl", "kubectl": found[0].path}


def outcome(done):
    """What a user sees, less the id that each exec has of its own."""
    stderr = re.sub(rb"[0-9a-f]{64}", b"ID", done.stderr)
    return done.returncode, done.stdout, stderr


@pytest.mark.conformance
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_command_ends_alike(cluster, shell, clients, command):
    ours, theirs = (
        outcome(cluster.run(client, "exec", shell, "--", *command, text=False))
        for client in clients.values()
    )

    assert ours == theirs


@pytest.mark.conformance
@pytest.mark.parametrize(
    "arguments",
    [
        ["exec", "no-such-pod", "--", "true"],
        ["exec", "-c", "no-such-container", "shell", "--", "true"],
        ["exec", "shell"],
        ["exec", "-n", "no-such-namespace", "shell", "--", "true"],
        ["exec", "no/such/form", "--", "true"],
    ],
    ids=["pod", "container", "no command", "namespace", "form"],
)
def test_a_refusal_reads_alike(cluster, shell, clients, arguments):
    ours, theirs = (
        outcome(cluster.run(client, *arguments, text=False))
        for client in clients.values()
    )

    assert ours == theirs


@pytest.mark.parametrize("client", ["mini-kubectl", "kubectl"])
def test_binary_input_of_ten_mebibytes_arrives_whole(cluster, shell, clients, client):
    data = os.urandom(10 * 1024 * 1024)

    done = cluster.run(
        clients[client], "exec", "-i", shell, "--", "sha256sum", stdin=data
    )

    assert done.stdout.split()[0] == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("client", ["mini-kubectl", "kubectl"])
def test_a_shell_in_a_terminal(cluster, shell, clients, client):
    command = [str(clients[client]), "exec", "-it", shell, "--", "bash", "--norc"]

    with Terminal(command, env=cluster.env, columns=100, lines=30) as terminal:
        terminal.send_line("stty size; tty | cut -c1-9")
        terminal.expect("30 100\r\n")
        terminal.expect("/dev/pts/")
        terminal.resize(90, 20)
        terminal.send_line("stty size")
        terminal.expect("20 90\r\n")
        terminal.send_line("sh -c 'echo rea\"\"dy; exec cat'")
        terminal.expect("ready\r\n")
        terminal.send_line("it runs")
        terminal.expect("it runs\r\nit runs\r\n")
        terminal.control("c")
        # What is typed before the prompt is there may be thrown away by the shell.
        terminal.expect("^C")
        terminal.expect("bash-")
        terminal.send_line("echo code=$?")
        terminal.expect("code=130\r\n")
        terminal.send_line("exit 7")
        assert terminal.wait() == 7


@pytest.mark.parametrize("client", ["mini-kubectl", "kubectl"])
def test_ctrl_d_ends_the_shell(cluster, shell, clients, client):
    command = [str(clients[client]), "exec", "-it", shell, "--", "bash", "--norc"]

    with Terminal(command, env=cluster.env) as terminal:
        terminal.send_line("echo re''ady")
        terminal.expect("ready\r\n")
        terminal.control("d")
        assert terminal.wait() == 0
