"""The real kubectl, unmodified, with our kubeconfig, in every version that matters.

A row of the closing table is a test of this file, a column is a version; the last one
is mini-kubectl. Those before 1.30 exec over SPDY, the others over WebSocket.
"""

from __future__ import annotations

import hashlib
import json
import os
import re

import pytest

from tests.support.terminal import Terminal

_PATIENT = ["-c", "trap 'exit 0' TERM; echo ready; sleep 100000 & wait"]


def succeeded(done):
    """The output of a command that must have gone well, in silence."""
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def columns(text):
    """The table that kubectl printed, as a dictionary a row."""
    head, *rows = text.splitlines()
    starts = [match.start() for match in re.finditer(r"\S+(?: \S+)*", head)]
    bounds = list(zip(starts, [*starts[1:], None], strict=True))
    names = [head[a:b].strip() for a, b in bounds]
    return [
        dict(zip(names, [row[a:b].strip() for a, b in bounds], strict=True))
        for row in rows
    ]


def test_version(kubectl):
    done = kubectl("version", "-o", "json")

    server = json.loads(done.stdout)["serverVersion"]
    assert done.returncode == 0
    assert (server["major"], server["minor"]) == ("1", "36")


def test_api_resources(kubectl):
    rows = columns(succeeded(kubectl("api-resources")))

    kinds = {(row["NAME"], row["APIVERSION"]): row["KIND"] for row in rows}
    assert kinds["pods", "v1"] == "Pod"
    assert kinds["deployments", "apps/v1"] == "Deployment"
    assert kinds["leases", "coordination.k8s.io/v1"] == "Lease"


def test_get_nodes_and_pods_wide(kubectl, shell):
    nodes, pods = succeeded(kubectl("get", "nodes,pods", "-o", "wide")).split("\n\n")

    (node,) = columns(nodes)
    (pod,) = [row for row in columns(pods) if row["NAME"] == f"pod/{shell}"]
    assert (node["STATUS"], node["INTERNAL-IP"]) == ("Ready", "127.0.0.1")
    assert (pod["READY"], pod["STATUS"], pod["RESTARTS"]) == ("1/1", "Running", "0")
    assert f"node/{pod['NODE']}" == node["NAME"]
    assert pod["IP"].startswith("127.")


def test_run_describe_and_delete(cluster, kubectl):
    name = kubectl.own("run")

    made = succeeded(
        kubectl("run", name, "--image=busybox", "--command", "--", "sh", *_PATIENT)
    )
    cluster.await_ready(name)
    described = succeeded(kubectl("describe", "pod", name))
    deleted = succeeded(kubectl("delete", "pod", name))

    assert made == f"pod/{name} created\n"
    assert re.search(r"^Status: +Running$", described, re.MULTILINE)
    assert re.search(r"^  +State: +Running$", described, re.MULTILINE)
    for reason in ("Scheduled", "Pulled", "Created", "Started"):
        assert re.search(rf"^  Normal +{reason} ", described, re.MULTILINE)
    assert deleted.startswith(f'pod "{name}" deleted')
    assert kubectl("get", "pod", name).stderr == (
        f'Error from server (NotFound): pods "{name}" not found\n'
    )


def test_describe_node(cluster, kubectl):
    (node,) = cluster.get("nodes")["items"]

    described = succeeded(kubectl("describe", "node", node["metadata"]["name"]))

    assert re.search(r"^  Ready +True .* KubeletReady ", described, re.MULTILINE)
    assert "Non-terminated Pods:" in described
    assert "HolderIdentity:  " + node["metadata"]["name"] in described


def test_get_watch_shows_a_pod_come_and_go(kubectl, shell):
    name = kubectl.own("watched")

    with kubectl.background("get", "pods", "-w") as watch:
        # It has listed, so it misses nothing from here on.
        watch.line(shell)
        succeeded(
            kubectl("run", name, "--image=busybox", "--command", "--", "sh", *_PATIENT)
        )
        watch.line(lambda line: name in line and "Pending" in line)
        watch.line(lambda line: name in line and "Running" in line)
        succeeded(kubectl("delete", "pod", name))
        watch.line(lambda line: name in line and "Terminating" in line)


def test_logs_follow_until_the_container_ends(cluster, kubectl):
    name = kubectl.own("logged")
    script = "echo one; until [ -e go ]; do sleep 0.05; done; echo two"
    cluster.pod(name, "sh", "-c", script, restartPolicy="Never")

    with kubectl.background("logs", "-f", name) as logs:
        logs.line("one")
        # The container may end before `touch` does, and takes it along.
        cluster.mini_kubectl("exec", name, "--", "touch", "go")
        logs.line("two")
        assert logs.wait() == 0

    assert succeeded(kubectl("logs", name)) == "one\ntwo\n"
    assert succeeded(kubectl("logs", name, "--tail=1")) == "two\n"


def test_create_apply_and_delete_from_a_file(tmp_path, kubectl):
    name = kubectl.own("settings")
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"colour": "red"},
    }
    path = tmp_path / "manifest.json"

    def answer(verb):
        path.write_text(json.dumps(manifest))
        return succeeded(kubectl(*verb.split(), "-f", str(path)))

    assert answer("create --save-config") == f"configmap/{name} created\n"
    assert answer("apply") == f"configmap/{name} unchanged\n"
    manifest["data"] = {"colour": "blue"}
    assert answer("apply") == f"configmap/{name} configured\n"
    assert answer("get -o jsonpath={.data.colour}") == "blue"
    assert answer("apply --server-side --force-conflicts").endswith(
        " serverside-applied\n"
    )
    assert answer("delete").startswith(f'configmap "{name}" deleted')
    assert answer("apply") == f"configmap/{name} created\n"
    assert answer("delete").startswith(f'configmap "{name}" deleted')


@pytest.mark.parametrize("code", [0, 1, 42, 137])
def test_exec_ends_with_the_code_of_the_command(kubectl, shell, code):
    command = "kill -KILL $$" if code == 137 else f"exit {code}"

    done = kubectl("exec", shell, "--", "sh", "-c", f"echo out; {command}")

    assert (done.returncode, done.stdout) == (code, "out\n")
    told = f"command terminated with exit code {code}\n" if code else ""
    assert done.stderr == told


def test_exec_of_a_missing_command(kubectl, shell):
    done = kubectl("exec", shell, "--", "no-such-command")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: Internal error occurred: ")
    assert 'exec: "no-such-command": executable file not found in $PATH' in done.stderr


def test_exec_takes_ten_mebibytes_of_binary_input_whole(kubectl, shell):
    data = os.urandom(10 * 1024 * 1024)

    digest = kubectl("exec", "-i", shell, "--", "sha256sum", stdin=data)

    assert succeeded(digest).split()[0] == hashlib.sha256(data).hexdigest()


def test_exec_in_a_terminal(cluster, kubectl, shell):
    command = [kubectl.path, "exec", "-it", shell, "--", "bash", "--norc"]

    with Terminal(command, env=cluster.env, columns=100, lines=30) as terminal:
        terminal.send_line("stty size; tty | cut -c1-9")
        terminal.expect("30 100\r\n")
        terminal.expect("/dev/pts/")
        terminal.resize(90, 20)
        # The new size is on its way beside what is typed: bash tells of its arrival.
        terminal.send_line(
            "until [ \"$(stty size)\" = '20 90' ]; do :; done; stty size"
        )
        terminal.expect("20 90\r\n")
        # Bash loses an interrupt that comes between its fork and its exec: only what
        # is seen to run is interrupted.
        terminal.send_line("sh -c 'echo u\"\"p; exec cat'")
        terminal.expect("up\r\n")
        terminal.send_line("it runs")
        terminal.expect("it runs\r\nit runs\r\n")
        terminal.control("c")
        # What is typed before the prompt is there may be thrown away by the shell.
        terminal.expect("^C")
        terminal.expect("bash-")
        terminal.send_line("echo code=$?")
        terminal.expect("code=130\r\n")
        terminal.control("d")
        assert terminal.wait() == 0
