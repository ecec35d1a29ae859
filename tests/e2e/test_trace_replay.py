"""Recorded sessions against real parts: kubectl against the recorded server, and the
recorded kubectl against a live API server."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from tests.support.cluster import BIN, running_cluster
from tests.support.kubectls import kubectls
from traces.diff import compare
from traces.reader import read_folder

pytestmark = pytest.mark.e2e

_PATIENCE = 60
_SCRIPT = "cat; echo err >&2; exit 3"
_COMMAND = ("exec", "-i", "web", "--", "sh", "-c", _SCRIPT)
_INPUT = "hello\n"


@pytest.fixture(scope="module")
def recorded(kubectl):
    """A cluster that goes on, and a kubectl's sessions with it, WebSocket and SPDY."""
    with running_cluster("replay") as cluster:
        folder = cluster.folder / "trace"
        cluster.mini_kube("trace", "on", "--bytes", "all", str(folder))
        cluster.pod("web")
        clients = [kubectl, *(old.path for old in kubectls("1.28"))]
        for client in clients:
            done = cluster.run(client, *_COMMAND, stdin=_INPUT)
            assert (done.returncode, done.stdout) == (3, _INPUT)
        cluster.mini_kube("trace", "off")
        shutil.copytree(folder, cluster.folder / "kept")
        yield cluster, cluster.folder / "kept"


def sessions(folder):
    trace = read_folder(folder)
    return [session for session in trace.sessions if session.verb == "exec"]


def replay(cluster, folder, session, *arguments):
    """`mini-kube trace replay SESSION --dir FOLDER`, as a process."""
    where = ["--name", cluster.name, "--state-dir", str(cluster.state)]
    command = ["trace", "replay", session.id, "--dir", str(folder), *where, *arguments]
    return subprocess.Popen(
        [str(BIN / "mini-kube"), *command],
        env=cluster.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def server_address(cluster) -> str:
    config = cluster.run("mini-kube", "kubeconfig", "--name", cluster.name,
                         "--state-dir", str(cluster.state), check=True)  # fmt: skip
    return config.stdout.split('"server": "https://')[1].split('"')[0]


def test_the_recorded_client_gets_the_recorded_answers(recorded):
    cluster, folder = recorded

    for session in sessions(folder):
        address = server_address(cluster)
        process = replay(
            cluster, folder, session, "--as", "client", "--address", address
        )
        said, _ = process.communicate(timeout=_PATIENCE)

        assert process.returncode == 0, said
        assert "no difference" in said


@contextmanager
def replayed_server(cluster, folder, session):
    process = replay(cluster, folder, session, "--as", "server", "--plain",
                     "--address", "127.0.0.1:0")  # fmt: skip
    try:
        line = process.stdout.readline()
        yield line.split("replaying on ")[1].split(",")[0], process
    finally:
        process.terminate()
        process.wait(_PATIENCE)
        process.stdout.close()


@pytest.mark.parametrize("transport", ["websocket", "spdy"])
def test_kubectl_cannot_tell_the_recorded_server_from_a_real_one(
    recorded, transport, kubectl, tmp_path
):
    cluster, folder = recorded
    session = next((s for s in sessions(folder) if s.transport == transport), None)
    if session is None:
        pytest.skip("no kubectl that speaks SPDY can be had on this machine")
    client = kubectl if transport == "websocket" else kubectls("1.28")[0].path
    env = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": os.devnull}

    with replayed_server(cluster, folder, session) as (url, _):
        done = subprocess.run(
            [str(client), "--server", url, *_COMMAND],
            input=_INPUT,
            env=env,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )

    assert (done.returncode, done.stdout) == (3, _INPUT)
    assert "err\n" in done.stderr
    assert "command terminated with exit code 3" in done.stderr


def test_two_kubectls_differ_in_their_transport_and_not_in_what_came(recorded):
    _, folder = recorded
    found = sessions(folder)
    if len(found) < 2:
        pytest.skip("no kubectl that speaks SPDY can be had on this machine")

    comparison = compare(*found)

    facts = {d.what for d in comparison.differences if d.where == "session"}
    assert facts == {"client", "transport", "subprotocol"}
    for stream in ("stdin", "stdout", "stderr"):
        assert any(name.startswith(stream) for name in comparison.same_bytes)
