"""Client libraries, as their users have them: what each does is in `clients/`.

A script does everything once and prints what came of it; a row of the closing table is
one of these things. A client has no cell for what it has no function for; kr8s offers v4
only and then sends no standard input.
"""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

import pytest

from tests.support.client_venvs import (
    JAVASCRIPT_CLIENT,
    PYTHON_CLIENTS,
    NotToBeHadError,
)

_SCRIPTS = Path(__file__).parent / "clients"
_SCRIPT_OF = {
    "kubernetes-35": "kubernetes_sync.py",
    "kubernetes-37": "kubernetes_sync.py",
    "kubernetes-asyncio": "kubernetes_async.py",
    "kr8s": "kr8s_client.py",
    "lightkube": "lightkube_client.py",
    "client-node": "javascript.mjs",
}
_CLIENTS = {client.name: client for client in (*PYTHON_CLIENTS, JAVASCRIPT_CLIENT)}
EXPECTED = {
    "exec": [7, "out\n", "err\n"],
    "exit codes": [0, 1, 42],
    "much output": sum(len(f"{number}\n") for number in range(1, 100_001)),
    "stdin": "one\ntwo\n",
    "missing pod": True,
    "logs": "one\ntwo\nthree\n",
    "watch": "Running",
    "list": ["libraries-logged", "shell"],
    "attach": "got it: hello\n",
    "port-forward": "you said hello",
    "cp": "copied\n",
}
#: What a client cannot do, by its own documentation.
LACKING = {
    "kubernetes-35": {"cp"},
    "kubernetes-37": {"cp"},
    "kubernetes-asyncio": {"cp", "port-forward"},
    "kr8s": {"attach", "cp", "stdin"},
    "lightkube": {"attach", "cp", "port-forward"},
    "client-node": set(),
}
# Answers a word to whoever connects, and each line to whoever is attached.
_ANSWER = """
import os, socket, sys, threading
def serve():
    listener = socket.create_server((os.environ["MINI_KUBE_POD_IP"], 7000))
    while True:
        connection = listener.accept()[0]
        connection.sendall(b"you said " + connection.recv(5))
        connection.close()
threading.Thread(target=serve, daemon=True).start()
while line := sys.stdin.readline():
    print("got it:", line, end="", flush=True)
"""
_SPEAK = "printf 'one\\ntwo\\n'; sleep 1; echo three"
_CELLS = [
    (client, what)
    for client in _CLIENTS
    for what in EXPECTED
    if what not in LACKING[client]
]


@pytest.fixture(scope="module")
def outcome_of(cluster, shell):
    """Run a client's script the first time that something of it is asked for."""
    name = "libraries-logged"
    cluster.pod(name, "sh", "-c", _SPEAK, restartPolicy="Never")
    answering = {
        "name": "c",
        "image": "busybox",
        "command": [sys.executable, "-c", _ANSWER],
        "stdin": True,
        "readinessProbe": {"tcpSocket": {"port": 7000}, "periodSeconds": 1},
    }
    cluster.pod("libraries-answering", containers=[answering])

    @functools.cache
    def run(client_name):
        client = _CLIENTS[client_name]
        script = str(_SCRIPTS / _SCRIPT_OF[client_name])
        try:
            command = client.command()
        except NotToBeHadError as error:
            return error
        done = cluster.run(
            *command,
            script,
            str(cluster.kubeconfig),
            shell,
            name,
            "libraries-answering",
            env={"CLIENT_FOLDER": str(client.folder), "PYTHONPATH": ""},
        )
        if done.returncode != 0:
            return done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize(("client", "what"), _CELLS)
def test_a_client_library_does(outcome_of, client, what):
    outcome = outcome_of(client)
    if isinstance(outcome, NotToBeHadError):
        pytest.skip(str(outcome))
    if isinstance(outcome, str):
        pytest.fail(outcome, pytrace=False)

    seen = outcome[what]

    if what == "list":
        assert set(EXPECTED[what]) <= set(seen)
    else:
        assert seen == EXPECTED[what]
