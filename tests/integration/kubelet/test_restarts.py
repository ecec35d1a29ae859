"""What survives: kubelets and runtimes come and go, containers stay."""

from __future__ import annotations

import os
import signal

from tests.integration.kubelet.conftest import (
    NODE,
    container,
    is_ready,
    phase,
    pod,
    status_of,
)


async def containers(world):
    return {c.id for c in await world.kubelet.runtime.list_containers()}


def ready_condition(node):
    return next(c for c in node["status"]["conditions"] if c["type"] == "Ready")


async def node_is(world, status):
    def look():
        node = world.api.get("nodes", NODE, None)
        return node if node and ready_condition(node)["status"] == status else None

    return await world.api.until(look)


async def test_node_registers_ready_with_one_request(world):
    node = await node_is(world, "True")

    assert node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] == (
        world.kubelet.port
    )
    assert node["status"]["declaredFeatures"] == ["ExtendWebSocketsToKubelet"]
    assert node["status"]["nodeInfo"]["containerRuntimeVersion"] == "mini-cri://0.1.0"
    assert world.api.calls.count(("POST", "/api/v1/nodes")) == 1
    assert await world.api.event(NODE, "Starting") == "Starting kubelet."
    assert await world.api.event(NODE, "NodeReady") == (
        f"Node {NODE} status is now: NodeReady"
    )


async def test_node_is_leased(world):
    def lease():
        return world.api.get("leases", NODE, "kube-node-lease")

    found = await world.api.until(lease)

    assert found["spec"]["holderIdentity"] == NODE
    assert found["spec"]["leaseDurationSeconds"] == 40
    owner = found["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"]) == ("Node", NODE)


async def test_older_kubelets_declare_nothing(bare_world):
    world = await bare_world.start(emulate_version="1.35")

    node = await node_is(world, "True")

    assert "declaredFeatures" not in node["status"]
    assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.35.0"


async def test_restarted_kubelet_adopts_what_runs(world):
    before = await world.run("web")
    running = await containers(world)
    await world.stop_kubelet()

    await world.start_kubelet()
    await world.api.until(lambda: world.kubelet.pod_status(before["metadata"]["uid"]))

    after = await world.api.pod("web", is_ready)
    assert status_of(after)["containerID"] == status_of(before)["containerID"]
    assert status_of(after)["restartCount"] == 0
    assert await containers(world) == running


async def test_restarted_kubelet_makes_its_node_ready_again(world):
    node = await node_is(world, "True")
    await world.stop_kubelet()

    await world.start_kubelet(node_labels={"new": "label"})

    def look():
        return world.api.get("nodes", NODE, None)["metadata"]["labels"].get("new")

    await world.api.until(look)
    after = world.api.get("nodes", NODE, None)
    assert after["metadata"]["uid"] == node["metadata"]["uid"]
    port = after["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
    assert port == world.kubelet.port


async def test_container_that_died_meanwhile_is_reported_and_restarted(world):
    mark = world.folder / "pid"
    # `$$` is one dollar sign to the kubelet.
    before = await world.run("web", f"echo $$$$ > {mark}; exec sleep 1000")
    await world.until_runtime(lambda: mark.exists() and mark.read_text())
    await world.stop_kubelet()
    os.kill(int(mark.read_text()), signal.SIGKILL)

    await world.start_kubelet()

    after = await world.api.pod(
        "web", lambda p: status_of(p).get("restartCount") == 1 and is_ready(p)
    )
    ended = status_of(after)["lastState"]["terminated"]
    assert ended["containerID"] == status_of(before)["containerID"]
    assert ended["exitCode"] == 137


async def test_restarted_runtime_is_found_again(world):
    before = await world.run("web")
    await world.stop_runtime()
    await world.start_runtime()

    world.api.add("pods", pod("next"))
    await world.api.pod("next", is_ready)

    after = world.api.get("pods", "web")
    assert status_of(after)["containerID"] == status_of(before)["containerID"]


async def test_pod_deleted_while_the_kubelet_was_away_is_stopped(world):
    await world.run("web")
    await world.stop_kubelet()
    world.api.delete("web")

    await world.start_kubelet()

    await world.api.gone("web")


async def test_pod_nobody_asks_for_any_more_is_ended(world):
    await world.run("web")
    await world.stop_kubelet()
    world.api.remove("pods", "web")

    await world.start_kubelet()

    await world.until_runtime(lambda: not world.runtime.containers.all())


def has_sandbox(pod):
    conditions = {c["type"]: c["status"] for c in pod["status"]["conditions"]}
    return conditions["PodReadyToStartContainers"] == "True"


async def test_finished_pod_stays_finished(world):
    world.api.add("pods", pod("once", "true", restartPolicy="Never"))
    await world.api.pod("once", phase("Succeeded"))
    done = await world.api.pod("once", lambda p: not has_sandbox(p))
    await world.stop_kubelet()

    await world.start_kubelet()
    await world.run("web")

    assert world.api.get("pods", "once")["status"] == done["status"]


async def test_readiness_survives_the_kubelets_restart(world):
    probe = {"exec": {"command": ["true"]}}
    await world.run("web", container("c", readinessProbe=probe))
    version = world.api.get("pods", "web")["metadata"]["resourceVersion"]
    await world.stop_kubelet()

    await world.start_kubelet()
    await world.run("next")

    assert world.api.get("pods", "web")["metadata"]["resourceVersion"] == version


async def test_runtime_that_starts_late_makes_the_node_ready_then(bare_world):
    world = bare_world
    await world.api.start()
    await world.start_kubelet()
    node = await node_is(world, "False")
    assert ready_condition(node)["reason"] == "KubeletNotReady"

    await world.start_runtime()

    await node_is(world, "True")


async def test_api_server_may_be_away_for_a_while(world):
    await world.run("web")
    port = world.api.port
    await world.api.stop()

    await world.api.start(port)
    world.api.add("pods", pod("next"))

    await world.api.pod("next", is_ready)
