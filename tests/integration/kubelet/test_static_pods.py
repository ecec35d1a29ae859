"""Static pods: run from files, and mirrored at the API server."""

from __future__ import annotations

import pytest

from tests.integration.kubelet.conftest import NODE, is_ready, status_of

MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: st, labels: {version: one}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: c, image: busybox, command: [sh, -c, echo begun; sleep 1000]}
"""
NAME = f"st-{NODE}"
MIRROR = "kubernetes.io/config.mirror"


@pytest.fixture
async def world(bare_world):
    folder = bare_world.folder / "manifests"
    folder.mkdir()
    (folder / "st.yaml").write_text(MANIFEST)
    return await bare_world.start(pod_manifest_path=str(folder))


def container_id(pod):
    return status_of(pod)["containerID"]


def uid(pod):
    return pod["metadata"]["uid"]


async def test_a_static_pod_runs_and_its_mirror_shows_it(world):
    mirror = await world.api.pod(NAME, is_ready)

    annotations = mirror["metadata"]["annotations"]
    assert annotations[MIRROR] == annotations["kubernetes.io/config.hash"]
    assert uid(mirror) != annotations[MIRROR]
    (owner,) = mirror["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Node", NODE, True)
    target = f"/exec/default/{NAME}/c?output=1&command=echo&command=hi"
    assert (await world.exec(target))[0] == b"hi\n"
    await world.log(NAME, "begun\n")


@pytest.mark.parametrize("how", ["asked for", "at once"])
async def test_a_deleted_mirror_comes_back_and_the_process_stays(world, how):
    before = await world.api.pod(NAME, is_ready)

    if how == "asked for":
        world.api.delete(NAME, grace=30)
    else:
        world.api.remove("pods", NAME)

    after = await world.api.pod(NAME, lambda p: uid(p) != uid(before) and is_ready(p))
    assert container_id(after) == container_id(before)
    assert "deletionTimestamp" not in after["metadata"]


async def test_a_changed_file_is_another_pod_and_a_removed_one_none(world):
    file = world.folder / "manifests" / "st.yaml"
    before = await world.api.pod(NAME, is_ready)

    file.write_text(MANIFEST.replace("one", "two"))
    after = await world.api.pod(NAME, lambda p: uid(p) != uid(before) and is_ready(p))

    assert after["metadata"]["labels"] == {"version": "two"}
    assert container_id(after) != container_id(before)
    file.unlink()
    await world.api.gone(NAME)
    await world.until_runtime(lambda: not world.kubelet.pods())


async def test_it_goes_on_over_a_restart_of_the_kubelet(world):
    before = await world.api.pod(NAME, is_ready)

    await world.stop_kubelet()
    world.api.add(
        "pods",
        {
            "metadata": {"name": "orphan", "annotations": {MIRROR: "of nobody"}},
            "spec": {"nodeName": NODE, "containers": []},
        },
    )
    await world.start_kubelet()

    await world.api.gone("orphan")
    assert world.kubelet.pods()
    after = await world.api.pod(NAME, is_ready)
    assert (uid(after), container_id(after)) == (uid(before), container_id(before))
