"""Clusters for other languages: the HTTP API, and the two examples."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from cluster.services import executable
from mini_kube.server_api import ROUTES, describe
from tests.support.client_venvs import JAVASCRIPT_CLIENT, NotToBeHadError
from tests.support.tools import tool_or_skip

EXAMPLES = Path(__file__).parents[2] / "examples"


class Client:
    """A client of the server, with its token."""

    def __init__(self, process):
        self.process = process
        self.facts = json.loads(process.stdout.readline())

    def ask(self, method, path, body=None, token=None):
        """Status and body of an answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.facts["url"] + path,
            data,
            {"Authorization": f"Bearer {token or self.facts['token']}"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _parsed(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, _parsed(refusal)


def _parsed(answer):
    text = answer.read().decode()
    is_json = answer.headers.get_content_type() == "application/json"
    return json.loads(text) if is_json else text


@pytest.fixture(scope="module")
def server():
    """A server, and a cluster that it has started."""
    command = [executable("mini-kube"), "serve", "--output", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        client = Client(process)
        status, client.cluster = client.ask("POST", "/v1/clusters", {"nodes": 1})
        assert status == 201
        yield client
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert not Path(client.cluster["kubeconfig"]).exists()


@pytest.fixture
def cluster(server):
    """The path of the cluster, as it was at the start."""
    path = f"/v1/clusters/{server.cluster['id']}"
    assert server.ask("POST", f"{path}/reset") == (204, "")
    return path


@pytest.mark.parametrize("token", ["?", "\xff"])
def test_the_token_is_asked_for(server, token):
    assert server.ask("GET", "/v1/clusters", token=token)[0] == 401


def test_the_kubeconfig_serves_any_client(server, cluster):
    status, text = server.ask("GET", f"{cluster}/kubeconfig")

    assert status == 200
    assert json.loads(text) == json.loads(
        Path(server.cluster["kubeconfig"]).read_text()
    )


def test_a_pod_its_sessions_and_a_reset(server, cluster):
    pod = {"name": "web", "script": {"exec": [{"argv": "hi", "exit_code": 5}]}}
    assert server.ask("POST", f"{cluster}/pods", pod)[0] == 201
    done = subprocess.run(
        [executable("mini-kubectl"), "exec", "web", "--", "hi"],
        env={**os.environ, "KUBECONFIG": server.cluster["kubeconfig"]},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 5

    _, found = server.ask("GET", f"{cluster}/sessions?verb=exec&count=1")
    session = found["items"][0]
    assert (session["exit_code"], session["command"]) == (5, ["hi"])
    _, picture = server.ask("GET", f"{cluster}/sessions/{session['id']}?format=mermaid")
    assert picture.startswith("sequenceDiagram")

    assert server.ask("POST", f"{cluster}/reset")[0] == 204
    assert server.ask("GET", f"{cluster}/sessions?verb=exec") == (200, {"items": []})
    assert server.ask("POST", f"{cluster}/pods", pod)[0] == 201


def test_faults_come_and_go(server, cluster):
    fault = {"type": "latency", "attributes": {"latency": 1}, "name": "slow"}

    assert server.ask("POST", f"{cluster}/faults", fault)[0] == 201
    _, found = server.ask("GET", f"{cluster}/faults")
    assert [each["name"] for each in found["items"]] == ["slow"]
    assert server.ask("DELETE", f"{cluster}/faults/slow")[0] == 204
    assert server.ask("GET", f"{cluster}/faults") == (200, {"items": []})


def test_the_clock_goes_ahead(server, cluster):
    status, answer = server.ask("POST", f"{cluster}/clock", {"advance": "1h30m"})

    assert (status, answer["ahead"] >= 5400) == (200, True)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/clusters/c99", None, 404),
        ("POST", "/v1/clusters", {"nods": 1}, 400),
        ("POST", "/v1/clusters", [1], 400),
        ("POST", "/v1/clusters", {"nodes": 0}, 400),
        ("POST", "/v1/clusters", {"name": "../x"}, 400),
        ("GET", "/elsewhere", None, 404),
        ("POST", "CLUSTER/faults", {"type": "nonsense"}, 400),
        ("POST", "CLUSTER/clock", {"advance": "soon"}, 400),
        ("POST", "CLUSTER/clock", {"advance": "-1h"}, 400),
        ("DELETE", "CLUSTER/faults/none", None, 404),
        ("POST", "CLUSTER/pods", {"name": "UPPER"}, 422),
        ("POST", "CLUSTER/pods", {"name": "p", "command": "sleep 1"}, 400),
        ("POST", "CLUSTER/pods", {"name": "p", "spec": {"nodeSelektor": {}}}, 400),
        ("GET", "CLUSTER/sessions?pods=p", None, 400),
        ("GET", "CLUSTER/sessions?timeout=nan", None, 400),
        ("GET", "CLUSTER/sessions/none?format=text", None, 404),
    ],
)
def test_a_request_that_makes_no_sense_is_told_why(
    server, cluster, method, path, body, status
):
    answer = server.ask(method, path.replace("CLUSTER", cluster), body)

    assert answer[0] == status
    assert answer[1]["error"]


def test_the_description_has_every_request(server):
    status, document = server.ask("GET", "/v1/openapi.json")

    assert (status, document) == (200, describe())
    operations = [item for path in document["paths"].values() for item in path.values()]
    assert len(operations) == len(ROUTES)


def test_the_example_in_javascript(tmp_path):
    node = tool_or_skip("node", "nodejs")
    try:
        JAVASCRIPT_CLIENT.command()
    except NotToBeHadError as why:
        pytest.skip(str(why))
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLES / "javascript", folder)
    (folder / "node_modules").symlink_to(JAVASCRIPT_CLIENT.folder / "node_modules")

    done = serve_and_run(folder, node, "--test")

    assert done.returncode == 0, done.stdout


def test_the_example_in_go():
    go = tool_or_skip("go", "golang-go")

    done = serve_and_run(EXAMPLES / "go", go, "test", "-count=1", "./...")

    assert done.returncode == 0, done.stdout + done.stderr


def serve_and_run(folder, *command):
    """`mini-kube serve -- COMMAND`."""
    programs = Path(executable("mini-kube")).parent
    return subprocess.run(
        [executable("mini-kube"), "serve", "--", *map(str, command)],
        cwd=folder,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_command_gives_the_exit_code():
    assert serve_and_run(Path.cwd(), "sh", "-c", "exit 9").returncode == 9
    assert serve_and_run(Path.cwd(), "no-such-program").returncode == 127
