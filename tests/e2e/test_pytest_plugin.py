"""The pytest plugin, in test suites that it does not know."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

QUIET = (
    "-p",
    "no:cacheprovider",
    "-o",
    "asyncio_default_fixture_loop_scope=function",
    "-q",
)


def run(pytester, *arguments):
    """Run the suite in a process of its own, as its users do."""
    return pytester.runpytest_subprocess(*QUIET, *arguments, timeout=120)


SUITE = """
import os, subprocess
import pytest

def test_pods_live_in_the_namespace_of_their_test(mini_kube, namespace, pod):
    assert mini_kube.namespace == namespace == pod.namespace
    assert pod.exec("echo", "hi").text == "hi\\n"

@pytest.mark.mini_kube_pod(name="db", script={"exec": [{"argv": "q", "stdout": "1"}]})
def test_the_mark_says_what_the_pod_runs(pod):
    assert (pod.name, pod.exec("q").stdout) == ("db", b"1")

def test_the_trace_begins_with_the_test(pod, trace):
    assert trace.sessions(verb="exec") == []
    pod.exec("sh", "-c", "exit 3")
    session = trace.session(verb="exec", exit_code=3)
    assert trace.expect_frames(session=session, layer="channel", channel=3)

def test_faults_act(pod, faults, trace):
    fault = faults.add("latency", latency=1)
    pod.exec("true")
    assert fault.hits

def test_faults_are_gone_after_the_test(mini_kube):
    assert mini_kube.faults.list() == []

def test_the_kubeconfig_has_the_namespace(kubeconfig, pod):
    assert os.environ["KUBECONFIG"] == str(kubeconfig)
    said = subprocess.run(["mini-kubectl", "get", "pods", "-o", "name"],
                          capture_output=True, text=True).stdout
    assert said == "pod/pod\\n"

def test_namespaces_are_fresh(mini_kube, namespace):
    assert mini_kube.api.items(f"/api/v1/namespaces/{namespace}/pods") == []
    assert mini_kube.trace.sessions(verb="exec", namespace=namespace) == []
"""


def test_the_fixtures_do_what_they_say(pytester, monkeypatch, cluster):
    monkeypatch.setenv("PATH", cluster.env["PATH"])  # where mini-kubectl lies
    pytester.makepyfile(SUITE)

    result = run(pytester)

    result.assert_outcomes(passed=7)


def test_each_worker_of_xdist_has_its_own_cluster(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", range(4))
        def test_it(mini_kube, pod, n, record_property):
            with open("servers", "a") as file:
                print(mini_kube.server, file=file)
            assert pod.exec("echo", str(n)).text == f"{n}\\n"
        """
    )

    result = run(pytester, "-n", "2", "--dist", "each")

    result.assert_outcomes(passed=8)
    servers = (pytester.path / "servers").read_text().split()
    assert len(set(servers)) == 2


def test_a_failing_test_shows_its_sessions(pytester):
    pytester.makepyfile(
        """
        def test_wrong(pod):
            pod.exec("sh", "-c", "exit 6")
            assert False

        def test_wrong_before_any_session(pod):
            assert False
        """
    )

    result = run(pytester, "--mini-kube-artifacts=traces")

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*mini-kube: exec */pod -c pod -- sh -c exit 6*",
            "*client * apiserver * kubelet * runtime * process*",
            "*exited with 6*",
        ]
    )
    assert str(result.stdout).count("- mini-kube: exec") == 1
    folder = pytester.path / "traces"
    [test] = folder.iterdir()
    assert {path.suffix for path in test.iterdir()} == {".txt", ".html", ".jsonl"}
    events = (next(test.glob("*.jsonl"))).read_text().splitlines()
    assert json.loads(events[0])


def test_a_test_that_breaks_in_its_setup_tells_of_itself_alone(pytester):
    pytester.makepyfile(
        """
        import pytest

        def test_first(pod):
            pod.exec("true")

        @pytest.fixture
        def broken(pod):
            pod.exec("false")
            raise RuntimeError("in the setup")

        def test_second(broken):
            pass

        @pytest.mark.mini_kube_pod("nginx")
        def test_a_mark_without_a_name(pod):
            pass

        @pytest.mark.mini_kube_pod(imgae="nginx")
        def test_a_mark_with_a_wrong_one(pod):
            pass
        """
    )

    result = run(pytester)

    result.assert_outcomes(passed=1, errors=3)
    assert str(result.stdout).count("- mini-kube: exec") == 1
    result.stdout.fnmatch_lines(["*mini_kube_pod: say what 'nginx' is, as image=*"])
    result.stdout.fnmatch_lines(['*unknown field "spec.imgae"*'])


def test_settings_make_the_cluster(pytester):
    pytester.makeini(
        """
        [pytest]
        mini_kube_nodes = 2
        mini_kube_emulate_version = 1.30
        mini_kube_image_catalogue = images.yaml
        mini_kube_trace = false
        """
    )
    (pytester.path / "images.yaml").write_text(
        "images: [{name: example.com/app, script: {exec: [{argv: hi, stdout: there}]}}]"
    )
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.mini_kube_pod(image="example.com/app")
        def test_it(mini_kube, pod):
            assert len(mini_kube.nodes) == 2
            version = mini_kube.api.call("GET", "/version")
            assert version["minor"] == "31"
            assert pod.exec("hi").stdout == b"there"
            assert not list(mini_kube.state.glob("trace/*"))
        """
    )

    run(pytester, "--mini-kube-emulate-version=1.31").assert_outcomes(passed=1)


def test_a_setting_that_makes_no_sense_is_told(pytester):
    pytester.makepyfile("def test_it(mini_kube): pass")

    result = run(pytester, "--mini-kube-nodes=many")

    result.stdout.fnmatch_lines(["*mini-kube: invalid literal for int*"])


def test_who_does_not_use_it_does_not_notice_it(pytester):
    pytester.makepyfile(
        """
        import sys

        def test_it():
            loaded = {name.partition(".")[0] for name in sys.modules}
            ours = {"cluster", "hops", "traces", "certs", "wire", "kubectl_cli"}
            assert not loaded & ours
        """
    )

    run(pytester, "-p", "no:asyncio", "--strict-markers").assert_outcomes(passed=1)


def test_its_import_takes_no_time():
    """Of 1 ms, all but the noise is the import of this one file."""
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "importtime",
            "-c",
            "import pytest, mini_kube.pytest_plugin",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    names = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    after = names[names.index("pytest") + 1 :]

    assert after == ["mini_kube", "mini_kube.pytest_plugin"]


@pytest.mark.parametrize(
    "name", ["mini_kube", "namespace", "kubeconfig", "pod", "trace", "faults"]
)
def test_the_fixtures_are_listed_with_what_they_are(pytester, name):
    result = pytester.runpytest_subprocess("--fixtures", "-q", "-p", "no:cacheprovider")

    result.stdout.fnmatch_lines([f"{name}*mini_kube/pytest_plugin.py:*", "    *"])
