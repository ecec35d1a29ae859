"""Manifests of static pods: what becomes of them, and what is refused."""

from __future__ import annotations

import asyncio
import json
import os

import pytest

from kubelet.manifests import Manifests
from kubelet.static_pod import BadManifestError, read_static_pod

SEEN = "2026-01-01T00:00:00.000000Z"
PLAIN = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: c, image: busybox}]
"""


def read(text=PLAIN, file="/m/web.yaml", node="n-1"):
    return read_static_pod(text.encode(), file, node, SEEN)


def with_spec(**spec):
    containers = [{"name": "c", "image": "busybox"} | spec.pop("container", {})]
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web"},
            "spec": {"containers": containers, **spec},
        }
    )


def test_a_manifest_becomes_a_pod_of_this_node():
    pod = read()

    metadata, spec = pod["metadata"], pod["spec"]
    assert (metadata["name"], metadata["namespace"]) == ("web-n-1", "default")
    assert len(metadata["uid"]) == 32
    assert metadata["annotations"] == {
        "kubernetes.io/config.hash": metadata["uid"],
        "kubernetes.io/config.seen": SEEN,
        "kubernetes.io/config.source": "file",
    }
    assert spec["nodeName"] == "n-1"
    assert spec["tolerations"] == [{"operator": "Exists", "effect": "NoExecute"}]
    assert spec["containers"][0]["imagePullPolicy"] == "Always"
    assert pod["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


@pytest.mark.parametrize(
    "other",
    [
        {"text": PLAIN.replace("busybox", "nginx")},
        {"file": "/m/other.yaml"},
        {"node": "n-2"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_other_content_another_file_or_node_is_another_pod(other):
    assert read()["metadata"]["uid"] == read()["metadata"]["uid"]
    assert read(**other)["metadata"]["uid"] != read()["metadata"]["uid"]


def test_a_uid_of_its_own_is_kept():
    pod = read(PLAIN.replace("{name: web}", "{name: web, uid: mine, namespace: x}"))

    assert pod["metadata"]["uid"] == "mine"
    assert pod["metadata"]["annotations"]["kubernetes.io/config.hash"] == "mine"
    assert pod["metadata"]["namespace"] == "x"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "couldn't parse as pod("),
        ("", "couldn't parse as pod("),
        ("kind: Service\napiVersion: v1", "cannot be handled as a Pod"),
        (with_spec(containers=[]), "spec.containers: Required value"),
        (PLAIN.replace("web", "We_b"), 'metadata.name: Invalid value: "We_b-n-1"'),
        (with_spec(serviceAccountName="a"), "may not reference serviceaccounts"),
        (
            with_spec(volumes=[{"name": "v", "secret": {"secretName": "s"}}]),
            "static pods may not reference secrets",
        ),
        (
            with_spec(container={"envFrom": [{"configMapRef": {"name": "c"}}]}),
            "static pods may not reference configmaps",
        ),
    ],
)
def test_what_is_no_static_pod_is_refused(text, why):
    with pytest.raises(BadManifestError) as refusal:
        read(text)

    assert why in str(refusal.value)


class Folder:
    """A folder with manifests, and what was read of it."""

    def __init__(self, path):
        self.path = path
        self.told = asyncio.Queue()
        self.times = iter(f"2026-01-01T00:00:{n:02}Z" for n in range(60))
        self.manifests = Manifests(
            str(path),
            "n-1",
            1000.0,
            lambda found: self.told.put_nowait(names(found)),
            lambda: next(self.times),
        )

    def write(self, name, text=PLAIN):
        (self.path / name).write_text(text)


def names(found):
    return sorted(pod["metadata"]["name"] for pod in found)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_hidden_files_and_folders_are_left_out_and_bad_ones_told_once(folder, caplog):
    folder.write("web.yaml")
    folder.write(".hidden.yaml", PLAIN.replace("web", "hidden"))
    folder.write("bad.yaml", "a: [")
    (folder.path / "sub").mkdir()
    (folder.path / "sub" / "web.yaml").write_text(PLAIN.replace("web", "sub"))
    os.mkfifo(folder.path / "fifo")

    assert names(folder.manifests.read()) == ["web-n-1"]
    assert names(folder.manifests.read()) == ["web-n-1"]

    told = [r.message for r in caplog.records]
    assert len(told) == 2
    assert "bad.yaml: couldn't parse as pod(" in told[0]
    assert "fifo: Manifest path is not a directory or file" in told[1]


def test_of_two_pods_of_one_name_the_first_file_s_is_taken(folder, caplog):
    folder.write("a.yaml", PLAIN.replace("busybox", "first"))
    folder.write("b.yaml", PLAIN)

    (pod,) = folder.manifests.read()

    assert pod["spec"]["containers"][0]["image"] == "first"
    assert "is there already" in caplog.text


def test_a_pod_that_stays_is_the_same(folder):
    folder.write("web.yaml")

    assert folder.manifests.read() == folder.manifests.read()


def test_no_folder_is_no_pods(folder, caplog):
    folder.path.rmdir()

    assert folder.manifests.read() == []
    assert "path does not exist, ignoring" in caplog.text


async def test_changes_are_seen_when_a_file_is_whole_or_gone(folder):
    task = asyncio.ensure_future(folder.manifests.run())
    try:
        assert await folder.told.get() == []
        folder.write("web.yaml")
        assert await folder.told.get() == ["web-n-1"]
        (folder.path / "web.yaml").unlink()
        assert await folder.told.get() == []
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
