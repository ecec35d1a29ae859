"""KWOK's objects: which entry is taken, as pkg/kwok/server of KWOK takes it."""

from __future__ import annotations

import pytest

from cri_runtime.scripts.kwok import KwokConfig, KwokError, NoTarget


def named(kind, name, entries, namespace="default"):
    """An object for one pod."""
    field = {"Exec": "execs", "PortForward": "forwards", "Logs": "logs"}[kind]
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {field: entries},
    }


def clustered(kind, entries, **selector):
    """An object for all pods that a selector fits."""
    document = named(kind, "any", entries)
    document["kind"] = f"Cluster{kind}"
    document["spec"]["selector"] = selector
    return document


A, B, C = ({"local": {"workDir": each}} for each in "abc")


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([named("Exec", "pod", [A])], A),
        (
            [named("Exec", "pod", [A, {"containers": ["c"], **B}])],
            {"containers": ["c"], **B},
        ),
        ([named("Exec", "pod", [A, B])], A),
        ([named("Exec", "other", [A])], None),
        ([named("Exec", "pod", [A], namespace="n")], None),
        ([clustered("Exec", [B]), named("Exec", "pod", [A])], A),
        ([clustered("Exec", [B])], B),
        ([clustered("Exec", [B], matchNames=["x"]), clustered("Exec", [C])], C),
        ([clustered("Exec", [B], matchNamespaces=["default"])], B),
        ([clustered("Exec", [{"containers": ["x"], **B}]), clustered("Exec", [C])], C),
        ([named("Logs", "pod", [{"logsFile": "f"}])], None),
        ([{"apiVersion": "v1", "kind": "Exec"}, None, "text"], None),
    ],
)
def test_the_entry_that_is_taken(documents, expected):
    assert KwokConfig(documents).find("Exec", "default", "pod", "c") == expected


def test_an_object_for_the_pod_without_a_fitting_entry_refuses():
    config = KwokConfig(
        [named("PortForward", "pod", [{"ports": [80], "command": ["cat"]}])]
    )

    assert config.find("PortForward", "default", "pod", 80)["command"] == ["cat"]
    with pytest.raises(NoTarget, match='port 81 in pod "default/pod"'):
        config.find("PortForward", "default", "pod", 81)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (named("Exec", "", [A]), "metadata.name"),
        (named("Exec", "p", {}), "spec.execs: a list is expected"),
        (named("Exec", "p", ["x"]), "an object is expected"),
        (named("Logs", "p", [{}]), "logsFile is missing"),
        (named("PortForward", "p", [{}]), "no target or command"),
        (named("PortForward", "p", [{"target": {"port": 1}}]), "port and address"),
        (
            named("PortForward", "p", [{"target": {"port": 99999, "address": "a"}}]),
            r"spec\.forwards\[0\]\.target\.port: a port is expected, not 99999",
        ),
        (
            named("PortForward", "p", [{"ports": ["x"], "command": ["cat"]}]),
            r"spec\.forwards\[0\]\.ports\[0\]: a port is expected",
        ),
        (
            named("Exec", "p", [{"local": {"envs": [{"name": "A", "value": 1}]}}]),
            r"envs\[0\]\.value: a text is expected, not 1",
        ),
        (
            clustered("Logs", [{"logsFile": "f"}], matchNamespaces=5),
            "ClusterLogs: spec.selector.matchNamespaces: a list is expected",
        ),
        (named("Exec", 5, [A]), "metadata.name: a text is expected, not 5"),
    ],
)
def test_an_object_that_makes_no_sense_is_refused(document, text):
    with pytest.raises(KwokError, match=text):
        KwokConfig([document])


def test_a_file_may_hold_other_kinds(tmp_path):
    path = tmp_path / "kwok.yaml"
    path.write_text(
        "{apiVersion: kwok.x-k8s.io/v1alpha1, kind: Stage}\n---\n"
        "{apiVersion: kwok.x-k8s.io/v1alpha1, kind: ClusterExec,"
        " spec: {execs: [{local: {}}]}}\n"
    )

    assert KwokConfig.load(str(path)).find("Exec", "n", "p", "c") == {"local": {}}
    assert KwokConfig.load("").find("Exec", "n", "p", "c") is None
    with pytest.raises(KwokError, match="No such file"):
        KwokConfig.load(str(tmp_path / "none"))
