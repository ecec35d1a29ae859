"""KWOK's own objects say what a container answers."""

from __future__ import annotations

import socket
import subprocess
import textwrap
import urllib.error
import urllib.request

import pytest

from cluster.services import executable
from mini_kube import Cluster, ClusterError, ExecError

CRI_LOG = (
    "2016-10-06T00:17:09.669794202Z stdout F first line\n"
    "2016-10-06T00:17:09.669794203Z stderr P second \n"
    "2016-10-06T00:17:09.669794204Z stderr F line\n"
)
CONFIG = """
kind: ClusterExec
apiVersion: kwok.x-k8s.io/v1alpha1
metadata: {name: everywhere}
spec:
  selector: {matchNamespaces: [default]}
  execs:
  - local:
      workDir: WORK
      envs: [{name: FROM_KWOK, value: cluster}]
---
kind: Exec
apiVersion: kwok.x-k8s.io/v1alpha1
metadata: {name: named, namespace: default}
spec:
  execs:
  - containers: [other]
    local: {}
---
kind: Logs
apiVersion: kwok.x-k8s.io/v1alpha1
metadata: {name: fake, namespace: default}
spec:
  logs:
  - containers: [fake]
    logsFile: WORK/fake.log
---
kind: ClusterAttach
apiVersion: kwok.x-k8s.io/v1alpha1
metadata: {name: attached}
spec:
  selector: {matchNames: [fake]}
  attaches:
  - logsFile: WORK/fake.log
---
kind: PortForward
apiVersion: kwok.x-k8s.io/v1alpha1
metadata: {name: fake, namespace: default}
spec:
  forwards:
  - ports: [7]
    command: [cat]
  - ports: [8080]
    httpRoutes:
    - {location: /a, code: 201, body: made, headers: [{name: X-Kwok, value: "yes"}]}
---
kind: Stage
apiVersion: kwok.x-k8s.io/v1alpha1
metadata: {name: not-for-us}
spec: {}
"""


@pytest.fixture(scope="module")
def kwok(tmp_path_factory):
    """A cluster with the configuration, and the pod `fake`."""
    work = tmp_path_factory.mktemp("kwok")
    config = work / "kwok.yaml"
    config.write_text(textwrap.dedent(CONFIG).replace("WORK", str(work)))
    (work / "fake.log").write_text(CRI_LOG)
    with Cluster(kwok_config=config) as cluster:
        cluster.run_pod("fake")
        cluster.run_pod("named")
        yield cluster, work


def test_exec_runs_locally_with_what_the_object_adds(kwok):
    cluster, work = kwok

    assert cluster.exec("fake", "sh", "-c", "echo $FROM_KWOK; pwd").text == (
        f"cluster\n{work}\n"
    )


def test_an_object_for_the_pod_that_leaves_the_container_out_refuses(kwok):
    cluster, _ = kwok

    with pytest.raises(ExecError, match='exec target not found for container "named"'):
        cluster.exec("named", "true")


def test_logs_come_from_the_file_and_go_on_with_it(kwok):
    cluster, work = kwok
    command = [executable("mini-kubectl"), "logs", "-f", "fake"]
    with subprocess.Popen(
        command, env=cluster.env, stdout=subprocess.PIPE, text=True
    ) as process:
        said = {process.stdout.readline() for _ in range(2)}
        with (work / "fake.log").open("a") as log:
            log.write('{"log":"third\\n","stream":"stdout","time":"2016-10-20"}\n')
        third = process.stdout.readline()
        process.terminate()

    # stdout and stderr are two pipes: which is read first is not said
    assert said == {"first line\n", "second line\n"}
    assert third == "third\n"


def test_attach_plays_the_file_from_its_beginning(kwok):
    cluster, _ = kwok
    command = [executable("mini-kubectl"), "attach", "-q", "fake"]
    pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, env=cluster.env, text=True, **pipes) as process:
        assert process.stdout.readline() == "first line\n"
        assert process.stderr.readline() == "second line\n"
        process.terminate()


def test_ports_are_answered_by_a_command_or_by_routes(kwok):
    cluster, _ = kwok

    with (
        cluster.port_forward("fake", 7) as local,
        socket.create_connection(local.address) as connection,
    ):
        connection.sendall(b"through cat")
        connection.shutdown(socket.SHUT_WR)
        assert connection.makefile("rb").read() == b"through cat"
    with cluster.port_forward("fake", 8080) as local:
        url = f"http://127.0.0.1:{local.port}"
        with urllib.request.urlopen(f"{url}/a") as answer:
            assert (answer.status, answer.headers["X-Kwok"]) == (201, "yes")
            assert answer.read() == b"made"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{url}/b")
        assert (refused.value.code, refused.value.read()) == (
            404,
            b"404 page not found\n",
        )
        refused.value.close()


def test_a_file_that_makes_no_sense_keeps_the_runtime_from_starting(tmp_path):
    config = tmp_path / "kwok.yaml"
    config.write_text(
        "{apiVersion: kwok.x-k8s.io/v1alpha1, kind: Logs, metadata: {name: a},"
        " spec: {logs: [{}]}}"
    )

    with pytest.raises(ClusterError, match="logsFile is missing"):
        Cluster(kwok_config=config).start()
